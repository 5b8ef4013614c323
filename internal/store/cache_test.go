package store

import (
	"context"
	"errors"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"
	"unsafe"
)

// shelf is the source of a cache in these tests.
type shelf struct {
	mu    sync.Mutex
	rows  map[string]int
	err   error
	reads atomic.Int64
	pause func()
}

func (s *shelf) load(_ context.Context, id string) (int, error) {
	s.reads.Add(1)
	s.mu.Lock()
	row, ok := s.rows[id]
	err := s.err
	s.mu.Unlock()
	if s.pause != nil {
		s.pause()
	}
	switch {
	case err != nil:
		return 0, err
	case !ok:
		return 0, ErrNotFound
	}
	return row, nil
}

func newCache(t *testing.T, s *shelf, now func() time.Time) *Cache[int] {
	t.Helper()
	c, err := NewCache(s.load, CacheOptions{Size: 4, TTL: time.Minute, AbsentTTL: time.Second, Stale: time.Hour, MaxWait: 10 * time.Millisecond, Now: now})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestCacheAges(t *testing.T) {
	now := time.Unix(1000, 0)
	s := &shelf{rows: map[string]int{"a": 1}}
	c := newCache(t, s, func() time.Time { return now })
	steps := []struct {
		name  string
		do    func()
		id    string
		want  int
		err   error
		reads int64
	}{
		{"the first look reads", func() {}, "a", 1, nil, 1},
		{"the second does not", func() { s.rows["a"] = 2 }, "a", 1, nil, 1},
		{"a purge is obeyed at once", c.Purge, "a", 2, nil, 2},
		{"age is obeyed", func() { s.rows["a"] = 3; now = now.Add(time.Minute) }, "a", 3, nil, 3},
		{"an absent row is remembered", func() {}, "b", 0, ErrNotFound, 4},
		{"and not read again", func() { s.rows["b"] = 9 }, "b", 0, ErrNotFound, 4},
		{"but only shortly", func() { now = now.Add(time.Second) }, "b", 9, nil, 5},
		{"an outage is ridden out", func() { s.err = ErrUnavailable; now = now.Add(time.Minute) }, "a", 3, nil, 6},
		{"what was never read is unavailable then", func() {}, "c", 0, ErrUnavailable, 7},
		{"and so is what is too old", func() { now = now.Add(time.Hour) }, "a", 0, ErrUnavailable, 8},
	}
	for _, step := range steps {
		step.do()
		got, err := c.Get(t.Context(), step.id)
		if got != step.want || !errors.Is(err, step.err) {
			t.Errorf("%s: got %d, %v, want %d, %v", step.name, got, err, step.want, step.err)
		}
		if reads := s.reads.Load(); reads != step.reads {
			t.Errorf("%s: %d reads so far, want %d", step.name, reads, step.reads)
		}
	}
}

func TestCacheJunkDoesNotPushOutRows(t *testing.T) {
	s := &shelf{rows: map[string]int{"a": 1}}
	c := newCache(t, s, time.Now)
	for range 2 {
		if _, err := c.Get(t.Context(), "a"); err != nil {
			t.Fatal(err)
		}
		for i := range 100 {
			if _, err := c.Get(t.Context(), strconv.Itoa(i)); !errors.Is(err, ErrNotFound) {
				t.Fatal(err)
			}
		}
	}
	s.reads.Store(0)
	if _, err := c.Get(t.Context(), "a"); err != nil || s.reads.Load() != 0 {
		t.Errorf("the row was read again (%v): junk names pushed it out", err)
	}
}

// An identifier comes from a request, often with a secret next to it.
func TestCacheKeepsNothingOfTheRequest(t *testing.T) {
	s := &shelf{rows: map[string]int{"a": 1}}
	c := newCache(t, s, time.Now)
	const header = "a:secret b:secret"
	for _, id := range []string{header[:1], header[9:10]} { // one that exists, and one that does not
		_, _ = c.Get(t.Context(), id) // the test looks at what the cache keeps of it
	}
	for _, key := range append(c.rows.Keys(), c.absent.Keys()...) {
		at := uintptr(unsafe.Pointer(unsafe.StringData(key)))
		if from := uintptr(unsafe.Pointer(unsafe.StringData(header))); from <= at && at < from+uintptr(len(header)) {
			t.Errorf("the key %q keeps the request in memory", key)
		}
	}
	if kept := c.rows.Len() + c.absent.Len(); kept != 2 {
		t.Errorf("%d rows are kept, want 2", kept)
	}
}

func TestCacheAsksOnceForMany(t *testing.T) {
	release := make(chan struct{})
	s := &shelf{rows: map[string]int{"a": 1}, pause: func() { <-release }}
	c := newCache(t, s, time.Now)
	var group sync.WaitGroup
	for range 50 {
		group.Go(func() {
			if got, err := c.Get(t.Context(), "a"); got != 1 || err != nil {
				t.Errorf("got %d, %v", got, err)
			}
		})
	}
	for s.reads.Load() == 0 {
		time.Sleep(time.Millisecond)
	}
	close(release)
	group.Wait()
	if reads := s.reads.Load(); reads != 1 {
		t.Errorf("50 askers made %d reads, want 1", reads)
	}
}

// A caller that looked just before another caller's read ended uses that result.
func TestCacheAskerLateForAFlight(t *testing.T) {
	s := &shelf{rows: map[string]int{"a": 1}}
	var c *Cache[int]
	meanwhile := func() {
		// If the clock is read within the flight, the other caller waits for itself.
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		defer cancel()
		if got, err := c.Get(ctx, "a"); got != 1 || err != nil {
			t.Errorf("the other asker got %d, %v", got, err)
		}
	}
	c = newCache(t, s, func() time.Time {
		if run := meanwhile; run != nil { // the look-up has found nothing, and now reads the clock
			meanwhile = nil
			run()
		}
		return time.Unix(1000, 0)
	})
	if got, err := c.Get(t.Context(), "a"); got != 1 || err != nil {
		t.Errorf("got %d, %v", got, err)
	}
	if reads := s.reads.Load(); reads != 1 {
		t.Errorf("two askers made %d reads, want 1", reads)
	}
}

// A row that was read before a purge and arrives after it must neither be kept nor be returned to a
// caller that comes after the purge.
func TestCachePurgeBeatsAReadInFlight(t *testing.T) {
	release, reading := make(chan struct{}), make(chan struct{}, 2)
	s := &shelf{rows: map[string]int{"a": 1}, pause: func() { reading <- struct{}{}; <-release }}
	c := newCache(t, s, time.Now)
	old := make(chan int, 1)
	go func() { got, _ := c.Get(t.Context(), "a"); old <- got }()
	<-reading
	s.mu.Lock()
	s.rows["a"] = 2
	s.mu.Unlock()
	c.Purge()
	fresh := make(chan int, 1)
	go func() { got, _ := c.Get(t.Context(), "a"); fresh <- got }()
	<-reading
	close(release)
	if got := <-old; got != 1 {
		t.Errorf("who asked before the purge got %d, want 1", got)
	}
	if got := <-fresh; got != 2 {
		t.Errorf("who asked after the purge got %d, want 2", got)
	}
	if got, err := c.Get(t.Context(), "a"); got != 2 || err != nil {
		t.Errorf("kept %d, %v, want 2", got, err)
	}
}

// If the database does not answer, a caller whose row is cached waits no longer than the patience.
func TestCacheIsNotHeldUp(t *testing.T) {
	now := time.Unix(1000, 0)
	s := &shelf{rows: map[string]int{"a": 1}}
	c := newCache(t, s, func() time.Time { return now })
	if _, err := c.Get(t.Context(), "a"); err != nil {
		t.Fatal(err)
	}
	release := make(chan struct{})
	defer close(release)
	s.pause = func() { <-release }
	now = now.Add(2 * time.Minute)
	if got, err := c.Get(t.Context(), "a"); got != 1 || err != nil {
		t.Errorf("got %d, %v while the database hangs, want the row that was there", got, err)
	}
}
