package passwords

import (
	"bytes"
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"
	"golang.org/x/crypto/bcrypt"
	"pgregory.net/rapid"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// newHasher makes a hasher, by default with the lowest cost of bcrypt.
func newHasher(t testing.TB, o Options) *Hasher {
	t.Helper()
	o.Cost, o.Workers, o.Wait, o.Rand = cmp.Or(o.Cost, MinCost), cmp.Or(o.Workers, 2), cmp.Or(o.Wait, time.Minute), rand.Reader
	h, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	return h
}

func hash(t testing.TB, h *Hasher, secret string) []byte {
	t.Helper()
	hash, err := h.Hash(t.Context(), secret)
	if err != nil {
		t.Fatal(err)
	}
	return hash
}

func TestNew(t *testing.T) {
	for _, c := range []struct {
		name    string
		options Options
		want    string // in the error; "" for none
	}{
		{"the lowest cost", Options{4, 1, time.Second, rand.Reader}, ""},
		{"the highest cost", Options{16, 1, time.Second, rand.Reader}, ""},
		{"a cost below bcrypt's own", Options{3, 1, time.Second, rand.Reader}, "bcrypt-cost is 3"},
		{"a cost that takes hours", Options{31, 1, time.Second, rand.Reader}, "bcrypt-cost is 31"},
		{"no workers", Options{4, 0, time.Second, rand.Reader}, "workers is 0"},
		{"no wait", Options{4, 1, 0, rand.Reader}, "must be positive"},
		{"no randomness", Options{4, 1, time.Second, strings.NewReader("short")}, "dummy"},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := New(c.options)
			if c.want == "" && err != nil || c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)) {
				t.Errorf("New returned %v, want %q", err, c.want)
			}
		})
	}
}

func TestVerify(t *testing.T) {
	h := newHasher(t, Options{})
	good := hash(t, h, "wonderland")
	// The salt is well-formed except for a character that is not in the alphabet.
	badSalt := slices.Clone(good)
	badSalt[10] = '!'
	long := hash(t, h, strings.Repeat("x", 73))
	_, digest, ok := presented(long, strings.Repeat("x", 73))
	if !ok || len(digest) > bcryptBytes {
		t.Fatalf("bcrypt hashes %q of a long secret", digest)
	}
	for _, c := range []struct {
		name   string
		hash   []byte
		secret string
		want   bool
	}{
		{"the right secret matches", good, "wonderland", true},
		{"a wrong secret does not", good, "Wonderland", false},
		{"a beginning of the secret does not", good, "wonder", false},
		{"an empty secret does not", good, "", false},
		{"a secret repeated after NUL does not", good, "wonderland\x00wonderland", false},
		{"a secret of 73 bytes does not match one of 72", hash(t, h, strings.Repeat("x", 72)), strings.Repeat("x", 73), false},
		{"a secret of 72 bytes does not match one of 73", long, strings.Repeat("x", 72), false},
		{"a secret of 73 bytes matches", long, strings.Repeat("x", 73), true},
		{"one that differs beyond 72 bytes does not", long, strings.Repeat("x", 72) + "y", false},
		{"what bcrypt hashed of a long secret does not match it", long, string(digest), false},
		{"a long secret without its mark matches nothing", long[bytes.LastIndex(long, []byte("$2a$")):], strings.Repeat("x", 73), false},
		{"a mark without a salt matches nothing", slices.Concat([]byte("$hmac-sha256$"), good), strings.Repeat("x", 73), false},
		{"a mark alone matches nothing", []byte("$hmac-sha256$"), strings.Repeat("x", 73), false},
		{"1,024 bytes match", hash(t, h, strings.Repeat("x", 1024)), strings.Repeat("x", 1024), true},
		{"no hash matches nothing", nil, "wonderland", false},
		{"an empty hash matches nothing", []byte{}, "wonderland", false},
		{"a hash that is none matches nothing", []byte(strings.Repeat("$", 60)), "wonderland", false},
		{"a hash that was cut short matches nothing", good[:50], "wonderland", false},
		{"a hash with a malformed salt matches nothing", badSalt, "wonderland", false},
		{"the dummy does not match what it is compared with", h.dummy, "no secret", false},
		{"a hash of a monstrous cost is not even tried", []byte(strings.Replace(string(good), "$04$", "$31$", 1)), "wonderland", false},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, err := h.Verify(t.Context(), c.hash, c.secret)
			if err != nil || got != c.want {
				t.Errorf("Verify = %v, %v; want %v", got, err, c.want)
			}
		})
	}
}

func TestHashTakesTheCostOfTheOptions(t *testing.T) {
	h := newHasher(t, Options{Cost: 5})
	for name, hash := range map[string][]byte{"a hash": hash(t, h, "wonderland"), "the dummy": h.dummy} {
		if cost, err := bcrypt.Cost(hash); err != nil || cost != 5 {
			t.Errorf("the cost of %s is %d, %v; want 5", name, cost, err)
		}
	}
}

// Earlier servers and passlib wrote these hashes, and they keep working.
func TestHashesOfBcryptKeepWorking(t *testing.T) {
	h := newHasher(t, Options{})
	for _, secret := range []string{"wonderland", strings.Repeat("x", 72)} {
		plain, err := bcrypt.GenerateFromPassword([]byte(secret), MinCost)
		if err != nil {
			t.Fatal(err)
		}
		for _, stored := range [][]byte{plain, []byte(strings.Replace(string(plain), "$2a$", "$2b$", 1)), hash(t, h, secret)} {
			if right, err := h.Verify(t.Context(), stored, secret); !right || err != nil {
				t.Errorf("%s: %v, %v", stored, right, err)
			}
			if bytes.HasPrefix(stored, []byte(prehashed)) {
				t.Errorf("a secret of %d bytes is stored as %s", len(secret), stored)
			}
		}
	}
}

func TestHashRefuses(t *testing.T) {
	h := newHasher(t, Options{})
	for _, c := range []struct{ name, secret, want string }{
		{"nothing", "", "must not be empty"},
		{"more than is hashed", strings.Repeat("x", 1025), "a secret must not be longer than 1024 bytes"},
		{"a NUL", "wonder\x00land", "NUL"},
	} {
		t.Run(c.name, func(t *testing.T) {
			hash, err := h.Hash(t.Context(), c.secret)
			if hash != nil || err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("Hash = %q, %v; want an error that says %q", hash, err, c.want)
			}
		})
	}
}

func TestWhatWasHashedIsVerified(t *testing.T) {
	h := newHasher(t, Options{})
	rapid.Check(t, func(rt *rapid.T) {
		password, err := Enforce(strings.Repeat(text().Draw(rt, "password"), rapid.IntRange(1, 8).Draw(rt, "times")))
		if err != nil {
			return
		}
		hash := hash(t, h, password)
		if right, err := h.Verify(t.Context(), hash, password); !right || err != nil {
			rt.Fatalf("Verify(Hash(%q), itself) = %v, %v", password, right, err)
		}
		other := rapid.StringN(1, 40, MaxBytes).Draw(rt, "other")
		if right, err := h.Verify(t.Context(), hash, other); right != (other == password) || err != nil {
			rt.Fatalf("Verify(Hash(%q), %q) = %v, %v", password, other, right, err)
		}
	})
}

// TestNoCaseIsFasterThanAnother compares the time of every failure with that of a wrong password.
// The bound is generous, because the machine is shared: it must only catch a case that computes
// nothing, which is a thousand times faster.
func TestNoCaseIsFasterThanAnother(t *testing.T) {
	h := newHasher(t, Options{Cost: 5})
	good := hash(t, h, "wonderland")
	badSalt := slices.Clone(good)
	badSalt[10] = '!'
	long := hash(t, h, strings.Repeat("x", 73))
	cases := []struct {
		name   string
		hash   []byte
		secret string
		times  []time.Duration
	}{
		{name: "a wrong password", hash: good, secret: "wunderland"},
		{name: "an unknown user", secret: "wonderland"},
		{name: "an empty password", hash: good},
		{name: "a password that is too long", hash: good, secret: strings.Repeat("x", 1000)},
		{name: "a long password", hash: long, secret: strings.Repeat("x", 100)},
		{name: "a short password where the right one is long", hash: long, secret: "wonderland"},
		{name: "a malformed hash", hash: []byte("plain"), secret: "wonderland"},
		{name: "a hash with a malformed salt", hash: badSalt, secret: "wonderland"},
		{name: "an unknown user with an empty password"},
	}
	var differing []string
	for range 300 {
		for i, c := range cases {
			start := time.Now()
			if _, err := h.Verify(t.Context(), c.hash, c.secret); err != nil {
				t.Fatal(err)
			}
			cases[i].times = append(cases[i].times, time.Since(start))
		}
		// The comparison uses the shortest time of each: a busy machine makes a comparison longer,
		// never shorter.
		wrong := slices.Min(cases[0].times)
		differing = nil
		for _, c := range cases[1:] {
			if m := slices.Min(c.times); m < wrong/2 || m > wrong*2 {
				differing = append(differing, fmt.Sprintf("%s takes %v, a wrong password %v", c.name, m, wrong))
			}
		}
		if len(cases[0].times) >= 11 && differing == nil {
			return
		}
	}
	t.Error(strings.Join(differing, "\n"))
}

func TestNoMoreThanWorkersAtOnce(t *testing.T) {
	h := newHasher(t, Options{Cost: 6, Workers: 2, Wait: time.Minute})
	good := hash(t, h, "wonderland")
	ended := make(chan struct{})
	var callers sync.WaitGroup
	for range 40 {
		callers.Go(func() {
			if right, err := h.Verify(context.Background(), good, "wonderland"); !right || err != nil {
				t.Errorf("Verify = %v, %v", right, err)
			}
		})
	}
	go func() { callers.Wait(); close(ended) }()
	for {
		if n := h.InFlight(); n > 2 {
			t.Errorf("%d computations at once, want at most 2", n)
		}
		select {
		case <-ended:
			if h.InFlight() != 0 {
				t.Errorf("%d in flight after the end", h.InFlight())
			}
			return
		case <-time.After(time.Millisecond):
		}
	}
}

func TestBusy(t *testing.T) {
	t.Run("a wait has an end", func(t *testing.T) {
		h := newHasher(t, Options{Workers: 1, Wait: time.Millisecond})
		h.slots <- struct{}{}
		if _, err := h.Verify(t.Context(), nil, "x"); !errors.Is(err, ErrBusy) {
			t.Errorf("Verify returned %v, want ErrBusy", err)
		}
		if _, err := h.Hash(t.Context(), "x"); !errors.Is(err, ErrBusy) {
			t.Errorf("Hash returned %v, want ErrBusy", err)
		}
	})
	t.Run("a caller who goes away leaves the queue", func(t *testing.T) {
		h := newHasher(t, Options{Workers: 1, Wait: time.Hour})
		h.slots <- struct{}{}
		ctx, cancel := context.WithCancel(t.Context())
		result := make(chan error)
		go func() {
			_, err := h.Verify(ctx, nil, "x")
			result <- err
		}()
		cancel()
		if err := <-result; !errors.Is(err, context.Canceled) {
			t.Errorf("Verify returned %v, want context.Canceled", err)
		}
		if h.InFlight() != 1 {
			t.Errorf("%d in flight, want 1", h.InFlight())
		}
	})
	t.Run("a caller who has gone away computes nothing", func(t *testing.T) {
		h := newHasher(t, Options{})
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if _, err := h.Verify(ctx, nil, "x"); !errors.Is(err, context.Canceled) {
			t.Errorf("Verify returned %v, want context.Canceled", err)
		}
	})
	t.Run("who waits is let in when a computation ends", func(t *testing.T) {
		h := newHasher(t, Options{Workers: 1, Wait: time.Hour})
		good := hash(t, h, "wonderland")
		h.slots <- struct{}{}
		result := make(chan bool)
		go func() {
			right, _ := h.Verify(context.Background(), good, "wonderland")
			result <- right
		}()
		h.leave()
		if !<-result {
			t.Error("the right secret was refused")
		}
	})
	t.Run("a computation keeps its slot when its caller has gone away", func(t *testing.T) {
		h := newHasher(t, Options{Cost: 10, Workers: 1})
		ctx, cancel := context.WithCancel(t.Context())
		result := make(chan error)
		go func() {
			_, err := h.Verify(ctx, nil, "x")
			result <- err
		}()
		waitFor(t, "the computation to begin", func() bool { return h.InFlight() == 1 })
		cancel()
		if err := <-result; err != nil {
			t.Errorf("Verify returned %v, want the end of the computation", err)
		}
		if h.InFlight() != 0 {
			t.Error("the slot was not given back")
		}
	})
}

func waitFor(t *testing.T, what string, happened func() bool) {
	t.Helper()
	for deadline := time.Now().Add(time.Minute); !happened(); time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("gave up waiting for %s", what)
		}
	}
}
