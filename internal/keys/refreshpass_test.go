package keys_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"authserver/internal/keys"
	"authserver/internal/store"
)

// crowd has more families than a tick reads. Clients continue to refresh during a pass.
type crowd struct {
	*memory
	clock   *clock
	takes   time.Duration // of a page
	most    int           // families that the database can read within its limit; 0: any
	pages   int
	largest int
	before  func(page int)
}

func (s *crowd) LastIdleExpiry(ctx context.Context, after store.Cursor, limit int) (store.Moment, store.Cursor, error) {
	s.pages++
	s.largest = max(s.largest, limit)
	if s.before != nil {
		s.before(s.pages)
	}
	s.clock.advance(s.takes)
	if s.most > 0 && limit > s.most {
		return store.Moment{}, after, store.ErrUnavailable
	}
	return s.memory.LastIdleExpiry(ctx, after, limit)
}

// retired has a key that is no longer in use, whose end is not known yet.
func retired(t *testing.T, families int) (*keys.RefreshKeys, *crowd, *clock) {
	t.Helper()
	st, c := &memory{}, newClock()
	r := loadedRefreshKeys(t, st, openSealer(t, st), c)
	if err := r.Tick(t.Context()); err != nil {
		t.Fatal(err)
	}
	c.advance(24 * time.Hour)
	if err := r.Tick(t.Context()); err != nil {
		t.Fatal(err)
	}
	c.advance(2 * time.Minute) // until every replica knows
	for i := range families {
		st.idle = append(st.idle, c.Now().Add(time.Duration(i%1000)*time.Second))
	}
	s := &crowd{memory: st, clock: c}
	r.Store = s
	return r, s, c
}

// ends ticks until the key has an end, and returns the end and the number of ticks.
func ends(t *testing.T, r *keys.RefreshKeys, s *crowd, c *clock, key int) (end store.Moment, ticks int) {
	t.Helper()
	for ticks < 1000 {
		ticks++
		pages := s.pages
		if err := r.Tick(t.Context()); err != nil && !errors.Is(err, store.ErrUnavailable) {
			t.Fatal(err)
		}
		if did := s.pages - pages; did > 100 {
			t.Fatalf("a tick looked at %d pages", did)
		}
		if s.largest > store.MaxPage {
			t.Fatalf("a page of %d families", s.largest)
		}
		if end = s.secret[key].RemovedAt; !end.IsZero() {
			return end, ticks
		}
		c.advance(timeline().TickInterval())
	}
	t.Fatalf("key %d has no end after %d ticks", key+1, ticks)
	return end, ticks
}

func until(last store.Moment) store.Moment {
	return last.Add(10*time.Second + 2*timeline().ClockSkew)
}

func TestARefreshKeyEndsBesideMoreFamiliesThanATickLooksAt(t *testing.T) {
	r, s, c := retired(t, 250_000)
	last := c.Now().Add(time.Hour)
	s.idle[249_999] = last
	end, ticks := ends(t, r, s, c, 0)
	if !end.Equal(until(last)) {
		t.Errorf("the key is good until %v, want %v", end, until(last))
	}
	if ticks != 3 {
		t.Errorf("%d ticks, want 3", ticks)
	}
}

// A family that is refreshed behind the cursor has a refresh token of the key that is in use, and
// the pass has seen its earlier token.
func TestARefreshKeyEndsWhileFamiliesAreRefreshed(t *testing.T) {
	r, s, c := retired(t, 50_000)
	s.takes = 3 * time.Second // a page a tick
	last := s.idle[999]
	s.idle[40_000] = c.Now().Add(time.Minute)
	refreshed := c.Now().Add(30 * 24 * time.Hour)
	s.before = func(page int) {
		if page > 1 { // one family behind the cursor, and one before it
			s.idle[(page-2)*1000] = refreshed
		}
		if page == 20 {
			last = c.Now().Add(2 * time.Hour)
			s.idle[40_000] = last
		}
	}
	end, ticks := ends(t, r, s, c, 0)
	if ticks != 51 {
		t.Errorf("%d ticks, want 51: a page each", ticks)
	}
	if want := until(last); !end.Equal(want) {
		t.Errorf("the key is good until %v, want %v: by what was seen", end, want)
	}
}

// The result of a pass does not apply to a key that was still in use when the pass began: families
// behind the cursor may have its refresh tokens.
func TestAPassEndsOnlyKeysThatWereOverWhenItBegan(t *testing.T) {
	r, s, c := retired(t, 10_000)
	s.takes = 3 * time.Second
	var late store.Moment
	s.before = func(page int) {
		if page == 5 {
			late = c.Now().Add(72 * time.Hour)
			s.idle[0] = late          // with the second key
			c.advance(24 * time.Hour) // the key is no longer in use before the pass ends
		}
	}
	if end, _ := ends(t, r, s, c, 0); !end.Before(late) {
		t.Errorf("the first key is good until %v, as if it had made what came during the pass", end)
	}
	if end := s.secret[1].RemovedAt; !end.IsZero() {
		t.Errorf("the second key is good until %v, and its last refresh token until %v", end, late)
	}
	if end, _ := ends(t, r, s, c, 1); !end.Equal(until(late)) {
		t.Errorf("the second key is good until %v, want %v", end, until(late))
	}
}

// A database may be too slow for a full page.
func TestARefreshKeyEndsBesideASlowDatabase(t *testing.T) {
	r, s, c := retired(t, 30_000)
	s.most = 200
	last := c.Now().Add(time.Hour)
	s.idle[29_999] = last
	if end, _ := ends(t, r, s, c, 0); !end.Equal(until(last)) {
		t.Errorf("the key is good until %v, want %v", end, until(last))
	}
}

// If several replicas go through the families, the quickest sets the end of the key, and the others
// stop.
func TestAPassIsLeftOffWhereAnotherReplicaWasQuicker(t *testing.T) {
	r, s, c := retired(t, 10_000)
	s.takes = 3 * time.Second
	if err := r.Tick(t.Context()); err != nil {
		t.Fatal(err)
	}
	s.secret[0].RemovedAt = c.Now().Add(time.Hour)
	for range 5 {
		c.advance(timeline().TickInterval())
		if err := r.Tick(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	if s.pages != 1 {
		t.Errorf("%d pages, want the one from before", s.pages)
	}
}
