package keys_test

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"authserver/internal/keys"
	"authserver/internal/store"
)

func TestRotate(t *testing.T) {
	for _, c := range []struct {
		name   string
		before func(t *testing.T, m *keys.Manager, c *clock)
		// The times count from the rotation.
		publish, activate, remove time.Duration
		keys                      int
	}{
		{
			name:   "with no key pending a new one is published now and signs after the lead",
			before: func(*testing.T, *keys.Manager, *clock) {},
			keys:   3, publish: 0, activate: 6 * time.Minute, remove: 22 * time.Minute,
		},
		{
			name: "a key that is pending for long signs now",
			before: func(t *testing.T, m *keys.Manager, c *clock) {
				tick(t, m)
				c.advance(time.Hour)
			},
			keys: 3, publish: -time.Hour, activate: 0, remove: 18 * time.Minute,
		},
		{
			name: "a key that was published a minute ago signs after the rest of the lead",
			before: func(t *testing.T, m *keys.Manager, c *clock) {
				tick(t, m)
				c.advance(time.Minute)
			},
			keys: 3, publish: -time.Minute, activate: 5 * time.Minute, remove: 21 * time.Minute,
		},
		{
			name: "a rotation asked for twice is done once",
			before: func(t *testing.T, m *keys.Manager, c *clock) {
				if _, err := m.Rotate(t.Context(), by()); err != nil {
					t.Fatal(err)
				}
				c.advance(time.Minute)
			},
			keys: 3, publish: -time.Minute, activate: 5 * time.Minute, remove: 21 * time.Minute,
		},
		{
			name: "after the handover the next rotation takes the key that the first prepared",
			before: func(t *testing.T, m *keys.Manager, c *clock) {
				if _, err := m.Rotate(t.Context(), by()); err != nil {
					t.Fatal(err)
				}
				c.advance(6 * time.Minute)
			},
			keys: 4, publish: -6 * time.Minute, activate: 0, remove: 18 * time.Minute,
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			st, clk := &memory{}, newClock()
			server, command := newManager(t, st, clk), newManager(t, st, clk)
			load(t, server)
			c.before(t, server, clk)
			old := statesAt(t, st, clk.Now())[keys.Active][0]
			events, err := command.Rotate(t.Context(), by())
			if err != nil {
				t.Fatal(err)
			}
			if len(st.signing) != c.keys {
				t.Errorf("%d keys, want %d", len(st.signing), c.keys)
			}
			next := successorOf(st, old)
			now := clk.Now()
			want := []keys.Event{
				{At: now.Add(c.publish), KID: next, Alg: keys.ES256, Event: keys.Publish},
				{At: now.Add(c.activate), KID: next, Alg: keys.ES256, Event: keys.Activate},
				{At: now.Add(c.activate), KID: old, Alg: keys.ES256, Event: keys.Retire},
				{At: now.Add(c.remove), KID: old, Alg: keys.ES256, Event: keys.Remove},
			}
			if diff := cmp.Diff(want, events); diff != "" {
				t.Errorf("events (-want +got): %s", diff)
			}
			tick(t, server)
			clk.advance(c.activate)
			if got := signerOf(t, server, keys.ES256).KID; got != next {
				t.Errorf("the server signs with %s, want %s", got, next)
			}
		})
	}
}

func successorOf(st *memory, kid string) string {
	for _, k := range st.signing {
		if k.Predecessor == kid && !k.PassedOver() {
			return k.KID
		}
	}
	return ""
}

// A rotation shows in the JWKS at once, whatever was pending before.
func TestARotationPublishesAKeyAtOnce(t *testing.T) {
	st, c := &memory{}, newClock()
	m := newManager(t, st, c)
	load(t, m)
	tick(t, m) // one is pending
	for range 3 {
		c.advance(timeline().Lead())
		before := len(st.signing)
		if _, err := m.Rotate(t.Context(), by()); err != nil {
			t.Fatal(err)
		}
		if made := len(st.signing) - before; made != 1 {
			t.Errorf("a rotation made %d keys, want 1", made)
		}
		tick(t, m)
	}
}

func TestRotateTakesTheAlgorithmsThatItIsGiven(t *testing.T) {
	st, c := &memory{}, newClock()
	m := newManager(t, st, c)
	m.Algorithms = []string{keys.RS256, keys.ES256}
	load(t, m)
	events, err := m.Rotate(t.Context(), by(), keys.ES256)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range events {
		if e.Alg != keys.ES256 {
			t.Errorf("it rotated %s too", e.Alg)
		}
	}
	if len(st.signing) != 4 {
		t.Errorf("%d keys, want 4", len(st.signing))
	}
	if _, err := m.Rotate(t.Context(), by(), "none"); err == nil || !strings.Contains(err.Error(), "RS256, ES256") {
		t.Errorf("error = %v, want one that names the algorithms", err)
	}
	if events, err = m.Rotate(t.Context(), by()); err != nil || len(events) != 8 || len(st.signing) != 6 {
		t.Errorf("%d events, %d keys, error %v; want a rotation of both with the ES256 key that is pending", len(events), len(st.signing), err)
	}
}

func TestRotationsAtOnceAreOneRotation(t *testing.T) {
	st, c := &memory{}, newClock()
	load(t, newManager(t, st, c))
	results := make([][]keys.Event, 8)
	var wg sync.WaitGroup
	for i := range results {
		m := newManager(t, st, c)
		wg.Go(func() {
			var err error
			if results[i], err = m.Rotate(t.Context(), by()); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if len(st.signing) != 3 {
		t.Errorf("%d keys, want the one that takes over and the one after it beside the first", len(st.signing))
	}
	for _, r := range results {
		if diff := cmp.Diff(results[0], r); diff != "" {
			t.Errorf("two rotations tell different plans: %s", diff)
		}
	}
}

func TestRotateSaysWhatIsWrong(t *testing.T) {
	st, c := &memory{}, newClock()
	m := newManager(t, st, c)
	if _, err := m.Rotate(t.Context(), by()); err == nil || !strings.Contains(err.Error(), "a server makes the first ones") {
		t.Errorf("error = %v, want one that says to start the server first", err)
	}
	load(t, m)
	m.Store = &contested{memory: st}
	if _, err := m.Rotate(t.Context(), by()); !errors.Is(err, store.ErrConflict) {
		t.Errorf("error = %v, want ErrConflict after a number of attempts", err)
	}
	st.down = true
	if _, err := m.Rotate(t.Context(), by()); !errors.Is(err, store.ErrUnavailable) {
		t.Errorf("error = %v, want ErrUnavailable", err)
	}
}

// contested has another process that is always first.
type contested struct{ *memory }

func (*contested) ChangeKeyPlan(context.Context, store.KeyPlanChange, store.Change) error {
	return store.ErrConflict
}

func TestAChangeThatTakesTooLongIsGivenUp(t *testing.T) {
	st, c := &memory{}, newClock()
	m := newManager(t, st, c)
	m.Timeline.PollInterval = 20 * time.Millisecond
	load(t, m)
	m.Store = &stuck{memory: st}
	for name, change := range map[string]func() error{
		"a plan":     func() error { return m.Plan(t.Context()) },
		"a rotation": func() error { _, err := m.Rotate(t.Context(), by()); return err },
	} {
		if err := change(); !errors.Is(err, store.ErrUnavailable) || !strings.Contains(err.Error(), "within 10ms, half of key-poll-interval") {
			t.Errorf("%s: error = %v, want one that says how long it may take", name, err)
		}
	}
	if len(st.signing) != 1 || m.Ready() != nil {
		t.Errorf("%d keys, ready: %v; want the one, which signs", len(st.signing), m.Ready())
	}
}

// stuck answers only after the caller has given up.
type stuck struct{ *memory }

func (*stuck) ChangeKeyPlan(ctx context.Context, _ store.KeyPlanChange, by store.Change) error {
	<-ctx.Done()
	return store.ErrUnavailable
}
