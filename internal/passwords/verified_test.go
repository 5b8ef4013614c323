package passwords

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
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

// occupy takes every slot and lets no request wait for one. A request that needs bcrypt is then
// refused with ErrBusy, so the test sees which answers come from the cache.
func occupy(h *Hasher) (release func()) {
	for range cap(h.slots) {
		h.slots <- struct{}{}
	}
	wait := h.wait
	h.wait = 0
	return func() {
		h.wait = wait
		for range cap(h.slots) {
			<-h.slots
		}
	}
}

func TestVerifiedCache(t *testing.T) {
	h := newHasher(t, Options{Workers: 1})
	c := newCache(t, h, 10)
	first, second := hash(t, h, "first secret"), hash(t, h, "second secret")
	verify := func(hash []byte, secret string, want bool, wantErr error) {
		t.Helper()
		if right, err := c.VerifyAny(t.Context(), [][]byte{hash}, []string{secret}); right != want || !errors.Is(err, wantErr) {
			t.Errorf("Verify = %v, %v; want %v, %v", right, err, want, wantErr)
		}
	}
	verify(first, "first secret", true, nil)
	verify(first, "wrong secret", false, nil)
	verify(nil, "first secret", false, nil)
	verify(second, "first secret", false, nil)

	release := occupy(h)
	verify(first, "first secret", true, nil)           // a right secret costs bcrypt once
	verify(first, "wrong secret", false, nil)          // and so does a wrong one
	verify(first, "another guess", false, ErrBusy)     // another guess costs bcrypt again
	verify(second, "another guess", false, ErrBusy)    // another hash is another entry
	verify(nil, "another guess", false, ErrBusy)       // and so is no hash
	verify(first, strings.Repeat("x", 73), false, nil) // a secret that cannot be hashed costs nothing
	verify(first, "", false, nil)
	verify(first, "a\x00b", false, nil)
	release()

	verify(second, "second secret", true, nil)
	verify(first, "first secret", true, nil)
}

func TestVerifiedCacheIsBounded(t *testing.T) {
	h := newHasher(t, Options{Workers: 1})
	c := newCache(t, h, 2)
	secrets := []string{"first", "second", "third"}
	hashes := make([][]byte, len(secrets))
	for i, secret := range secrets {
		hashes[i] = hash(t, h, secret)
		if right, err := c.VerifyAny(t.Context(), [][]byte{hashes[i]}, []string{secret}); !right || err != nil {
			t.Fatalf("Verify = %v, %v", right, err)
		}
	}
	if n := c.right.Len(); n != 2 {
		t.Errorf("the cache holds %d entries, want 2", n)
	}
	defer occupy(h)()
	if _, err := c.VerifyAny(t.Context(), [][]byte{hashes[0]}, []string{secrets[0]}); !errors.Is(err, ErrBusy) {
		t.Errorf("the oldest entry: %v, want ErrBusy", err)
	}
	if right, err := c.VerifyAny(t.Context(), [][]byte{hashes[2]}, []string{secrets[2]}); !right || err != nil {
		t.Errorf("the newest entry: %v, %v; want true", right, err)
	}
}

// If a request can be read in two ways and the client has two secrets, the cache finds every pair
// that was right before, without bcrypt, whatever was wrong in the other pairs.
func TestVerifiedCacheLooksUpAllPairsFirst(t *testing.T) {
	h := newHasher(t, Options{Workers: 1})
	c := newCache(t, h, 10)
	before, after := hash(t, h, "old+secret"), hash(t, h, "new%20secret")
	hashes := [][]byte{before, after}
	verify := func(want bool, readings ...string) {
		t.Helper()
		if right, err := c.VerifyAny(t.Context(), hashes, readings); right != want || err != nil {
			t.Errorf("of %q: %v, %v; want %v", readings, right, err, want)
		}
	}
	verify(true, "old secret", "old+secret")
	verify(true, "new secret", "new%20secret")
	verify(false, "a guess", "a+guess")
	defer occupy(h)()
	verify(true, "old secret", "old+secret")
	verify(true, "new secret", "new%20secret")
	verify(true, "new+guess", "new%20secret") // although one of the pairs was never compared
	verify(false, "a guess", "a+guess")
}

// Guesses push out only other guesses.
func TestGuessesPushOutNoRightSecret(t *testing.T) {
	h := newHasher(t, Options{Workers: 1})
	c := newCache(t, h, 2)
	good := hash(t, h, "the secret")
	if right, err := c.VerifyAny(t.Context(), [][]byte{good}, []string{"the secret"}); !right || err != nil {
		t.Fatal(right, err)
	}
	for i := range 10 {
		if right, err := c.VerifyAny(t.Context(), [][]byte{good}, []string{fmt.Sprint("guess ", i)}); right || err != nil {
			t.Fatal(right, err)
		}
	}
	if c.wrong.Len() != 2 || c.right.Len() != 1 || len(c.guesses) != 0 {
		t.Errorf("%d guesses and %d right secrets are remembered, %d comparisons are counted", c.wrong.Len(), c.right.Len(), len(c.guesses))
	}
	defer occupy(h)()
	if right, err := c.VerifyAny(t.Context(), [][]byte{good}, []string{"the secret"}); !right || err != nil {
		t.Errorf("the right secret: %v, %v", right, err)
	}
}

func TestVerifiedCacheComputesOnceForManyAtOnce(t *testing.T) {
	synctest.Test(t, verifiedCacheComputesOnceForManyAtOnce)
}

func verifiedCacheComputesOnceForManyAtOnce(t *testing.T) {
	h := newHasher(t, Options{Workers: 1, Wait: time.Minute})
	c := newCache(t, h, 10)
	good := hash(t, h, "the secret")
	h.slots <- struct{}{}
	var callers sync.WaitGroup
	for range 20 {
		callers.Go(func() {
			if right, err := c.VerifyAny(context.Background(), [][]byte{good}, []string{"the secret"}); !right || err != nil {
				t.Errorf("Verify = %v, %v", right, err)
			}
		})
	}
	synctest.Wait()
	if c.guesses[string(good)] != 1 {
		t.Errorf("%d computations for one pair", c.guesses[string(good)])
	}
	h.leave()
	callers.Wait()
}

func TestVerifiedCacheBoundsGuesses(t *testing.T) { synctest.Test(t, verifiedCacheBoundsGuesses) }

func verifiedCacheBoundsGuesses(t *testing.T) {
	h := newHasher(t, Options{Workers: 1, Wait: time.Minute})
	c := newCache(t, h, 10)
	good, other := hash(t, h, "the secret"), hash(t, h, "another secret")
	h.slots <- struct{}{}
	var callers sync.WaitGroup
	for _, guess := range []string{"first guess", "second guess"} {
		callers.Go(func() {
			if right, err := c.VerifyAny(context.Background(), [][]byte{good}, []string{guess}); right || err != nil {
				t.Errorf("Verify = %v, %v", right, err)
			}
		})
	}
	synctest.Wait()
	if _, err := c.VerifyAny(t.Context(), [][]byte{good}, []string{"third guess"}); !errors.Is(err, ErrBusy) {
		t.Errorf("a third guess: %v, want ErrBusy", err)
	}
	callers.Go(func() {
		if right, err := c.VerifyAny(context.Background(), [][]byte{other}, []string{"another secret"}); !right || err != nil {
			t.Errorf("another's secret: %v, %v", right, err)
		}
	})
	synctest.Wait()
	h.leave()
	callers.Wait()
	if right, err := c.VerifyAny(t.Context(), [][]byte{good}, []string{"the secret"}); !right || err != nil || len(c.guesses) != 0 {
		t.Errorf("after the guesses: %v, %v, %d under way", right, err, len(c.guesses))
	}
}

func TestVerifiedCacheLetsACallerGo(t *testing.T) { synctest.Test(t, verifiedCacheLetsACallerGo) }

func verifiedCacheLetsACallerGo(t *testing.T) {
	h := newHasher(t, Options{Workers: 1, Wait: time.Minute})
	c := newCache(t, h, 10)
	good := hash(t, h, "the secret")
	h.slots <- struct{}{}
	ctx, cancel := context.WithCancel(t.Context())
	impatient, patient := make(chan error), make(chan error)
	go func() { _, err := c.VerifyAny(ctx, [][]byte{good}, []string{"the secret"}); impatient <- err }()
	synctest.Wait()
	go func() {
		_, err := c.VerifyAny(context.Background(), [][]byte{good}, []string{"the secret"})
		patient <- err
	}()
	cancel()
	if err := <-impatient; !errors.Is(err, context.Canceled) {
		t.Errorf("the caller who left got %v, want context.Canceled", err)
	}
	h.leave()
	if err := <-patient; err != nil {
		t.Errorf("the caller who stayed got %v", err)
	}
	if _, err := c.VerifyAny(ctx, [][]byte{nil}, []string{"the secret"}); !errors.Is(err, context.Canceled) {
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
		if right, err := c.VerifyAny(t.Context(), [][]byte{good}, []string{"the secret"}); !right || err != nil {
			t.Fatalf("Verify = %v, %v", right, err)
		}
		times = append(times, time.Since(start))
	}
	if m := slices.Min(times); m > 5*time.Millisecond {
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
		if right, err := c.VerifyAny(b.Context(), [][]byte{good}, []string{"the secret"}); !right || err != nil {
			b.Fatal(right, err)
		}
	}
}
