package keys_test

import (
	"context"
	"crypto"
	"errors"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"authserver/internal/keys"
	"authserver/internal/store"
)

// restarted is a server that was stopped cleanly and started with other settings.
func restarted(t *testing.T, before *keys.Manager, st *memory, c *clock, change func(*keys.Timeline)) *keys.Manager {
	t.Helper()
	if err := before.Stop(t.Context()); err != nil {
		t.Fatal(err)
	}
	m := newManager(t, st, c)
	m.Timeline = before.Timeline
	change(&m.Timeline)
	load(t, m)
	tick(t, m)
	return m
}

func TestAnotherRotationInterval(t *testing.T) {
	for _, c := range []struct {
		name     string
		interval time.Duration
		after    time.Duration // since the pending key was published
		want     time.Duration // from then until it signs
	}{
		{"a shorter one brings the pending key forward", 10 * time.Hour, time.Hour, 10 * time.Hour},
		{"to now, where it is past", 10 * time.Hour, 20 * time.Hour, 20 * time.Hour},
		{"and never to before its lead", 10 * time.Minute, time.Minute, 10 * time.Minute},
		{"one as long as the lead brings it to the end of the lead", 6 * time.Minute, time.Minute, 6 * time.Minute},
		{"the same changes nothing", 24 * time.Hour, time.Hour, 24 * time.Hour},
		{"a longer one leaves it where it is", 72 * time.Hour, time.Hour, 24 * time.Hour},
	} {
		t.Run(c.name, func(t *testing.T) {
			st, clk := &memory{}, newClock()
			m := newManager(t, st, clk)
			load(t, m)
			tick(t, m)
			published := clk.Now()
			clk.advance(c.after)
			removed := st.signing[0].RemovedAt
			m = restarted(t, m, st, clk, func(tl *keys.Timeline) { tl.RotationInterval = c.interval })
			if got := st.signing[1].ActiveAt.Sub(published); got != c.want {
				t.Errorf("it signs %v after it was published, want %v", got, c.want)
			}
			if !st.signing[0].RetiredAt.Equal(st.signing[1].ActiveAt) {
				t.Errorf("its predecessor retires at %v", st.signing[0].RetiredAt)
			}
			// A replica that lost its database signs with the old key until the moment that it
			// knows.
			if st.signing[0].RemovedAt.Before(removed) {
				t.Errorf("its predecessor is removed %v earlier than was planned", removed.Sub(st.signing[0].RemovedAt))
			}
			// The next handover is by the new interval.
			clk.advance(c.want - clk.Now().Sub(published))
			tick(t, m)
			if got := st.signing[len(st.signing)-1].ActiveAt.Sub(st.signing[1].ActiveAt); got != c.interval {
				t.Errorf("the next one follows after %v, want %v", got, c.interval)
			}
		})
	}
}

func TestALongerLeadDoesNotHoldBackAKeyThatIsPublished(t *testing.T) {
	st, c := &memory{}, newClock()
	m := newManager(t, st, c)
	load(t, m)
	tick(t, m)
	before := slices.Clone(st.signing)
	c.advance(timeline().RotationInterval - time.Minute)
	restarted(t, m, st, c, func(tl *keys.Timeline) { tl.JWKSMaxAge = time.Hour })
	if diff := cmp.Diff(before, st.signing); diff != "" {
		t.Errorf("keys were rescheduled (-want +got): %s", diff)
	}
}

func TestALongerTokenLifetimeKeepsKeysPublished(t *testing.T) {
	lag := func(tl *keys.Timeline) { tl.MaxTokenTTL = 5 * time.Hour }
	const longer = 5*time.Hour + time.Minute
	for _, c := range []struct {
		name  string
		after time.Duration
		want  []time.Duration // from the retirement of each key until its removal; 0: not planned
	}{
		{"that is to retire", time.Hour, []time.Duration{longer, 0}},
		{"that retires where a replica may not have heard", 24*time.Hour + time.Minute, []time.Duration{2*time.Minute + time.Minute + longer, longer, 0}},
		{"but not one that has retired everywhere", 24*time.Hour + 2*time.Minute, []time.Duration{16 * time.Minute, longer, 0}},
	} {
		t.Run(c.name, func(t *testing.T) {
			st, clk := &memory{}, newClock()
			m := newManager(t, st, clk)
			load(t, m)
			tick(t, m)
			clk.advance(c.after)
			m = restarted(t, m, st, clk, lag)
			got := make([]time.Duration, len(st.signing))
			for i, k := range st.signing {
				if !k.RemovedAt.IsZero() {
					got[i] = k.RemovedAt.Sub(k.RetiredAt)
				}
			}
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Errorf("keys stay for (-want +got): %s", diff)
			}
			writes := st.writes
			for range 3 {
				tick(t, m)
			}
			if st.writes != writes {
				t.Errorf("it was written %d times more", st.writes-writes)
			}
		})
	}
}

// counted counts the keys that are made.
type counted struct {
	mu   sync.Mutex
	made []string
}

func (c *counted) Generate(alg string) (crypto.Signer, string, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.made = append(c.made, alg)
	return keys.Software{}.Generate(alg)
}

func (*counted) Signer(uri string) (crypto.Signer, error) { return keys.Software{}.Signer(uri) }

// overtaken lets other processes act before each of the first changes.
type overtaken struct {
	*memory
	others []func()
}

func (o *overtaken) ChangeKeyPlan(ctx context.Context, change store.KeyPlanChange, by store.Change) error {
	if len(o.others) > 0 {
		other := o.others[0]
		o.others = o.others[1:]
		other()
	}
	return o.memory.ChangeKeyPlan(ctx, change, by)
}

func TestAServerThatIsOvertakenPlansAnewWithTheKeysThatItMade(t *testing.T) {
	st, c := &memory{}, newClock()
	other, m := newManager(t, st, c), newManager(t, st, c)
	source := &counted{}
	m.Source = source
	load(t, other)
	load(t, m)
	// The other process rotates and uses the key that it made. This one has to make one more key,
	// and still needs it.
	rotate := func() {
		if _, err := other.Rotate(t.Context(), by()); err != nil {
			t.Error(err)
		}
		c.advance(timeline().Lead())
	}
	m.Store = &overtaken{memory: st, others: []func(){rotate, rotate, rotate}}
	if _, err := m.RotateNow(t.Context(), by()); err != nil {
		t.Fatal(err)
	}
	if len(source.made) != 2 {
		t.Errorf("it made %d keys for a rotation that was overtaken three times, want 2", len(source.made))
	}
	// The first key, three rotations with one more key each, and one of the keys that this process
	// made.
	if len(st.signing) != 6 {
		t.Errorf("%d keys, want 6", len(st.signing))
	}
}

func TestAPlanThatIsNotNeededAnyMoreIsDropped(t *testing.T) {
	st, c := &memory{}, newClock()
	other, m := newManager(t, st, c), newManager(t, st, c)
	load(t, other)
	load(t, m)
	m.Store = &overtaken{memory: st, others: []func(){func() { tick(t, other) }}}
	source := &counted{}
	m.Source = source
	tick(t, m)
	if len(st.signing) != 2 || len(source.made) != 1 {
		t.Errorf("%d keys and %d made in vain, want 2 and 1", len(st.signing), len(source.made))
	}
	if err := m.Reload(t.Context()); err != nil || len(m.JWKS().Body) != len(other.JWKS().Body) {
		t.Errorf("the two serve other sets: %v", err)
	}
}

func TestAKeyThatWasSweptMeanwhileIsPlannedForAnew(t *testing.T) {
	st, c := &memory{}, newClock()
	m := newManager(t, st, c)
	load(t, m)
	swept := 0
	m.Store = &sweeping{memory: st, swept: &swept}
	if _, err := m.Rotate(t.Context(), by()); err != nil {
		t.Fatal(err)
	}
	if swept != 1 || len(st.signing) != 3 {
		t.Errorf("swept %d times, %d keys", swept, len(st.signing))
	}
}

// sweeping does not find a key at the first attempt.
type sweeping struct {
	*memory
	swept *int
}

func (s *sweeping) ChangeKeyPlan(ctx context.Context, change store.KeyPlanChange, by store.Change) error {
	if *s.swept == 0 {
		*s.swept++
		return store.ErrNotFound
	}
	return s.memory.ChangeKeyPlan(ctx, change, by)
}

func TestASourceThatFailsIsSaid(t *testing.T) {
	st, c := &memory{}, newClock()
	m := newManager(t, st, c)
	broken := errors.New("the token is full")
	m.Source = failing{broken}
	if err := m.Load(t.Context()); !errors.Is(err, broken) {
		t.Errorf("Load: error = %v, want the source's", err)
	}
	if err := m.Plan(t.Context()); !errors.Is(err, broken) {
		t.Errorf("Plan: error = %v, want the source's", err)
	}
	load(t, newManager(t, st, c))
	if _, err := m.Rotate(t.Context(), by()); !errors.Is(err, broken) {
		t.Errorf("Rotate: error = %v, want the source's", err)
	}
}

// failing cannot make a key.
type failing struct{ err error }

func (f failing) Generate(string) (crypto.Signer, string, error) { return nil, "", f.err }
func (f failing) Signer(string) (crypto.Signer, error)           { return nil, f.err }
