package passwords

import (
	"context"
	"crypto/rand"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"
)

func newCache(t *testing.T, h *Hasher, size int) *VerifiedCache {
	t.Helper()
	c, err := NewVerifiedCache(h, size, rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// occupy takes every slot and place in the queue, so that whatever needs bcrypt
// is refused with ErrBusy: that tells what the cache answers by itself.
func occupy(h *Hasher) (release func()) {
	for range cap(h.admission.slots) {
		h.admission.slots <- struct{}{}
	}
	for range cap(h.admission.queue) {
		h.admission.queue <- struct{}{}
	}
	return func() {
		for range cap(h.admission.slots) {
			<-h.admission.slots
		}
		for range cap(h.admission.queue) {
			<-h.admission.queue
		}
	}
}

func TestVerifiedCache(t *testing.T) {
	h := newHasher(t, Options{Workers: 1, Queue: 1})
	c := newCache(t, h, 2)
	first, second := hash(t, h, "first secret"), hash(t, h, "second secret")
	verify := func(hash []byte, secret string, want bool, wantErr error) {
		t.Helper()
		if right, err := c.Verify(t.Context(), hash, secret); right != want || !errors.Is(err, wantErr) {
			t.Errorf("Verify = %v, %v; want %v, %v", right, err, want, wantErr)
		}
	}
	verify(first, "first secret", true, nil)
	verify(first, "wrong secret", false, nil)
	verify(nil, "first secret", false, nil)
	verify(second, "first secret", false, nil)

	release := occupy(h)
	verify(first, "first secret", true, nil)       // a right secret costs bcrypt once
	verify(first, "wrong secret", false, ErrBusy)  // a wrong one each time
	verify(second, "first secret", false, ErrBusy) // another hash is another entry
	verify(nil, "first secret", false, ErrBusy)    // and so is no hash
	release()

	verify(second, "second secret", true, nil)
	verify(first, "first secret", true, nil)
}

func TestVerifiedCacheIsBounded(t *testing.T) {
	h := newHasher(t, Options{Workers: 1, Queue: 1})
	c := newCache(t, h, 2)
	secrets := []string{"first", "second", "third"}
	hashes := make([][]byte, len(secrets))
	for i, secret := range secrets {
		hashes[i] = hash(t, h, secret)
		if right, err := c.Verify(t.Context(), hashes[i], secret); !right || err != nil {
			t.Fatalf("Verify = %v, %v", right, err)
		}
	}
	if n := c.verified.Len(); n != 2 {
		t.Errorf("the cache holds %d entries, want 2", n)
	}
	defer occupy(h)()
	if _, err := c.Verify(t.Context(), hashes[0], secrets[0]); !errors.Is(err, ErrBusy) {
		t.Errorf("the oldest entry: %v, want ErrBusy", err)
	}
	if right, err := c.Verify(t.Context(), hashes[2], secrets[2]); !right || err != nil {
		t.Errorf("the newest entry: %v, %v; want true", right, err)
	}
}

func TestVerifiedCacheComputesOnceForManyAtOnce(t *testing.T) {
	h := newHasher(t, Options{Workers: 1, Queue: 1, Wait: time.Minute})
	c := newCache(t, h, 10)
	good := hash(t, h, "the secret")
	// With one place in the queue, a second computation would be refused.
	h.admission.slots <- struct{}{}
	var callers sync.WaitGroup
	for range 20 {
		callers.Go(func() {
			if right, err := c.Verify(context.Background(), good, "the secret"); !right || err != nil {
				t.Errorf("Verify = %v, %v", right, err)
			}
		})
	}
	waitFor(t, "the computation to wait", func() bool { return h.Waiting() == 1 })
	h.admission.leave()
	callers.Wait()
}

func TestVerifiedCacheBoundsGuesses(t *testing.T) {
	h := newHasher(t, Options{Workers: 1, Queue: 10, Wait: time.Minute})
	c := newCache(t, h, 10)
	good, other := hash(t, h, "the secret"), hash(t, h, "another secret")
	h.admission.slots <- struct{}{}
	var callers sync.WaitGroup
	for _, guess := range []string{"first guess", "second guess"} {
		callers.Go(func() {
			if right, err := c.Verify(context.Background(), good, guess); right || err != nil {
				t.Errorf("Verify = %v, %v", right, err)
			}
		})
	}
	waitFor(t, "the guesses to wait", func() bool { return h.Waiting() == 2 })
	if _, err := c.Verify(t.Context(), good, "third guess"); !errors.Is(err, ErrBusy) {
		t.Errorf("a third guess: %v, want ErrBusy", err)
	}
	callers.Go(func() {
		if right, err := c.Verify(context.Background(), other, "another secret"); !right || err != nil {
			t.Errorf("another's secret: %v, %v", right, err)
		}
	})
	waitFor(t, "another's secret to wait", func() bool { return h.Waiting() == 3 })
	h.admission.leave()
	callers.Wait()
	if right, err := c.Verify(t.Context(), good, "the secret"); !right || err != nil || len(c.guesses) != 0 {
		t.Errorf("after the guesses: %v, %v, %d under way", right, err, len(c.guesses))
	}
}

func TestVerifiedCacheLetsACallerGo(t *testing.T) {
	h := newHasher(t, Options{Workers: 1, Queue: 1, Wait: time.Minute})
	c := newCache(t, h, 10)
	good := hash(t, h, "the secret")
	h.admission.slots <- struct{}{}
	ctx, cancel := context.WithCancel(t.Context())
	impatient, patient := make(chan error), make(chan error)
	go func() { _, err := c.Verify(ctx, good, "the secret"); impatient <- err }()
	waitFor(t, "the computation to wait", func() bool { return h.Waiting() == 1 })
	go func() { _, err := c.Verify(context.Background(), good, "the secret"); patient <- err }()
	cancel()
	if err := <-impatient; !errors.Is(err, context.Canceled) {
		t.Errorf("the caller who left got %v, want context.Canceled", err)
	}
	h.admission.leave()
	if err := <-patient; err != nil {
		t.Errorf("the caller who stayed got %v", err)
	}
	if _, err := c.Verify(ctx, nil, "the secret"); !errors.Is(err, context.Canceled) {
		t.Errorf("a caller who had left got %v, want context.Canceled", err)
	}
}

func TestVerifiedCacheIsFast(t *testing.T) {
	h := newHasher(t, Options{Cost: 10})
	c := newCache(t, h, 10)
	good := hash(t, h, "the secret")
	times := make([]time.Duration, 0, 50)
	for range cap(times) {
		start := time.Now()
		if right, err := c.Verify(t.Context(), good, "the secret"); !right || err != nil {
			t.Fatalf("Verify = %v, %v", right, err)
		}
		times = append(times, time.Since(start))
	}
	if m := median(times); m > 5*time.Millisecond {
		t.Errorf("a secret that was right before takes %v", m)
	}
}

func TestEntriesDoNotRunTogether(t *testing.T) {
	c := newCache(t, newHasher(t, Options{}), 1)
	if c.entry([]byte("ab"), "c") == c.entry([]byte("a"), "bc") {
		t.Error("two pairs of hash and secret share an entry")
	}
	if c.entry([]byte("a"), "b") == newCache(t, c.hasher, 1).entry([]byte("a"), "b") {
		t.Error("two caches share a key")
	}
}

func TestNewVerifiedCacheRefuses(t *testing.T) {
	h := newHasher(t, Options{})
	if _, err := NewVerifiedCache(h, 0, rand.Reader); err == nil {
		t.Error("a cache of no entries was made")
	}
	if _, err := NewVerifiedCache(h, 1, strings.NewReader("short")); err == nil {
		t.Error("a cache was made without randomness")
	}
}

func BenchmarkVerifiedCache(b *testing.B) {
	h := newHasher(b, Options{})
	c, err := NewVerifiedCache(h, 10, rand.Reader)
	if err != nil {
		b.Fatal(err)
	}
	good := hash(b, h, "the secret")
	for b.Loop() {
		if right, err := c.Verify(b.Context(), good, "the secret"); !right || err != nil {
			b.Fatal(right, err)
		}
	}
}
