package keys_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"authserver/internal/keys"
	"authserver/internal/keys/sealing"
	"authserver/internal/store"
)

type refreshStore interface {
	store.SecretKeys
	LastIdleExpiry(ctx context.Context, after store.Cursor, limit int) (store.Moment, store.Cursor, error)
}

func newRefreshKeys(t testing.TB, st refreshStore, s *sealing.Sealer, c *clock) *keys.RefreshKeys {
	t.Helper()
	return &keys.RefreshKeys{
		Store: st, Sealer: s, Actor: by().Actor, Timeline: fixed(timeline()), Grace: 10 * time.Second, Now: c.Now, Rand: rand.Reader, Logger: slog.New(slog.DiscardHandler),
	}
}

// fixed is the timeline of servers that have the same settings.
func fixed(tl keys.Timeline) func(context.Context) (keys.Timeline, error) {
	return func(context.Context) (keys.Timeline, error) { return tl, nil }
}

func loadedRefreshKeys(t *testing.T, st *memory, s *sealing.Sealer, c *clock) *keys.RefreshKeys {
	t.Helper()
	r := newRefreshKeys(t, st, s, c)
	if err := r.Load(t.Context()); err != nil {
		t.Fatal(err)
	}
	return r
}

func keyAt(t *testing.T, r *keys.RefreshKeys, moment time.Time) (uint32, []byte) {
	t.Helper()
	id, key, ok := r.At(moment)
	if !ok || len(key) != 32 {
		t.Fatalf("a key of %d bytes, %v", len(key), ok)
	}
	return id, key
}

func TestReplicasThatStartAtOnceShareTheFirstRefreshKey(t *testing.T) {
	st, c := &memory{}, newClock()
	s := openSealer(t, st)
	replicas := make([]*keys.RefreshKeys, 8)
	var wg sync.WaitGroup
	for i := range replicas {
		wg.Go(func() {
			replicas[i] = newRefreshKeys(t, st, s, c)
			if err := replicas[i].Load(t.Context()); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if len(st.secret) != 1 {
		t.Fatalf("%d rows, want one", len(st.secret))
	}
	_, first := keyAt(t, replicas[0], c.Now())
	for _, r := range replicas {
		if id, key := keyAt(t, r, c.Now()); id != 1 || !bytes.Equal(key, first) {
			t.Errorf("a replica has another key %d", id)
		}
	}
	if bytes.Contains(st.secret[0].Sealed, first) {
		t.Error("the row shows the key")
	}
}

// Every replica knows the next key long before it makes a token. The key of the last token of a
// live family is valid until the family has idled out.
func TestRefreshKeysTakeTurns(t *testing.T) {
	st, c := &memory{}, newClock()
	s := openSealer(t, st)
	r, other := loadedRefreshKeys(t, st, s, c), loadedRefreshKeys(t, st, s, c)
	step := func(after time.Duration) {
		t.Helper()
		c.advance(after)
		for _, replica := range []*keys.RefreshKeys{r, other} {
			if err := replica.Tick(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
	}
	states := func() []keys.State {
		var states []keys.State
		for _, k := range other.List() {
			states = append(states, k.State)
		}
		return states
	}
	began := c.Now()
	step(0)
	if diff := cmp.Diff([]keys.State{keys.Active, keys.Pending}, states()); diff != "" {
		t.Fatal(diff)
	}
	step(24*time.Hour - 1)
	if id, _ := keyAt(t, other, c.Now()); id != 1 {
		t.Errorf("key %d makes tokens before its turn", id)
	}
	step(1)
	if id, _ := keyAt(t, other, c.Now()); id != 2 {
		t.Errorf("key %d makes tokens, want 2", id)
	}
	if id, _ := keyAt(t, other, began); id != 1 {
		t.Errorf("a retry of what key 1 made is made by key %d", id)
	}
	if diff := cmp.Diff([]keys.State{keys.Retired, keys.Active, keys.Pending}, states()); diff != "" {
		t.Fatal(diff)
	}
	st.idle = []store.Moment{c.Now().Add(time.Hour)}
	step(2 * time.Minute) // until every replica knows
	end := st.idle[0].Add(10*time.Second + 2*timeline().ClockSkew)
	if !st.secret[0].RemovedAt.Equal(end) {
		t.Fatalf("the first key is good until %v, want %v", st.secret[0].RemovedAt, end)
	}
	step(end.Sub(c.Now()) - 1)
	if _, ok := other.ByID(1); !ok {
		t.Error("a key is gone before the last token that it made")
	}
	step(1)
	if _, ok := other.ByID(1); ok {
		t.Error("a key is good after the last token that it made")
	}
}

// If no family is live, access tokens with a handle that the key sealed may still be.
func TestARefreshKeyOutlivesTheAccessTokensOfItsTurn(t *testing.T) {
	st, c := &memory{}, newClock()
	r := loadedRefreshKeys(t, st, openSealer(t, st), c)
	for _, after := range []time.Duration{0, 24 * time.Hour, 2 * time.Minute} {
		c.advance(after)
		if err := r.Tick(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	if got, want := st.secret[0].RemovedAt, store.At(c.Now().Add(timeline().MaxTokenTTL+timeline().ClockSkew)); got.Before(want) {
		t.Errorf("the first key is good until %v, and what it sealed until %v", got, want)
	}
}

func TestARefreshKeyIsBroughtForward(t *testing.T) {
	st, c := &memory{}, newClock()
	r := loadedRefreshKeys(t, st, openSealer(t, st), c)
	if err := r.Rotate(t.Context(), by()); err == nil || !strings.Contains(err.Error(), "not made yet") {
		t.Errorf("error = %v, want one that says to wait", err)
	}
	if err := r.Tick(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := r.Rotate(t.Context(), by()); err != nil {
		t.Fatal(err)
	}
	if id, _ := keyAt(t, r, c.Now()); id != 1 {
		t.Error("a key makes tokens that other replicas have not heard of")
	}
	c.advance(timeline().PollInterval + timeline().ClockSkew)
	if id, _ := keyAt(t, r, c.Now()); id != 2 {
		t.Errorf("key %d makes tokens, want 2", id)
	}
}

func TestARefreshKeyThatCannotBeOpenedIsAnErrorAndNotReplaced(t *testing.T) {
	st, c := &memory{}, newClock()
	s := openSealer(t, st)
	loadedRefreshKeys(t, st, s, c)
	st.secret[0].Sealed[20] ^= 1
	if err := newRefreshKeys(t, st, s, c).Load(t.Context()); err == nil || !strings.Contains(err.Error(), "refresh token key 1") {
		t.Errorf("error = %v, want one that names the key", err)
	}
	if len(st.secret) != 1 {
		t.Errorf("%d rows, want the one", len(st.secret))
	}
	st.down = true
	if err := newRefreshKeys(t, st, s, c).Load(t.Context()); !errors.Is(err, store.ErrUnavailable) {
		t.Errorf("error = %v, want ErrUnavailable", err)
	}
}
