package keys_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"authserver/internal/keys"
	"authserver/internal/store"
)

func TestRotateNowSignsAtOnce(t *testing.T) {
	for _, c := range []struct {
		name    string
		pending bool
		age     time.Duration // of the pending key
		unseen  bool
	}{
		{"with a new key, where none is pending", false, 0, true},
		{"with one that was published just now", true, 0, true},
		{"with one that is published for a moment less than the lead", true, 6*time.Minute - time.Microsecond, true},
		{"with a key that every verifier has", true, 6 * time.Minute, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			st, clk := &memory{}, newClock()
			m := newManager(t, st, clk)
			load(t, m)
			old := signerOf(t, m, keys.ES256).KID
			published := clk.Now()
			if c.pending {
				tick(t, m)
				clk.advance(c.age)
			}
			next := successorOf(st, old)
			command := newManager(t, st, clk)
			unseen, err := command.Unseen(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			var want []keys.Unseen
			if c.unseen {
				want = []keys.Unseen{{KID: next, Alg: keys.ES256, SeenByAll: published.Add(timeline().Lead())}}
			}
			if diff := cmp.Diff(want, unseen); diff != "" {
				t.Errorf("unseen (-want +got): %s", diff)
			}
			events, err := command.RotateNow(t.Context(), by())
			if err != nil {
				t.Fatal(err)
			}
			if next == "" {
				next = successorOf(st, old)
			}
			at := make(map[string]time.Duration)
			for _, e := range events {
				at[e.Event] = e.At.Sub(clk.Now())
			}
			// The old key signs at other replicas until they know.
			wanted := map[string]time.Duration{keys.Publish: published.Sub(clk.Now()), keys.Activate: 0, keys.Retire: 0, keys.Remove: 18 * time.Minute}
			if diff := cmp.Diff(wanted, at); diff != "" {
				t.Errorf("events (-want +got): %s", diff)
			}
			tick(t, m)
			if got := signerOf(t, m, keys.ES256).KID; got != next {
				t.Errorf("%s signs, want %s", got, next)
			}
			if _, ok := m.Public(old); !ok {
				t.Error("the old key's tokens are not good any more")
			}
			if len(statesAt(t, st, clk.Now())[keys.Pending]) != 1 {
				t.Error("no key is to follow")
			}
		})
	}
}

func TestUnseenCountsByAlgorithm(t *testing.T) {
	st, c := &memory{}, newClock()
	m := newManager(t, st, c)
	if _, err := m.Unseen(t.Context()); err == nil || !strings.Contains(err.Error(), "a server makes the first ones") {
		t.Errorf("error = %v, want one that says what makes them", err)
	}
	load(t, m)
	tick(t, m)
	c.advance(timeline().Lead())
	m.Algorithms = []string{keys.ES256, keys.EdDSA}
	load(t, m)
	first := chain(st, keys.EdDSA)[0].KID
	late := []keys.Unseen{{KID: first, Alg: keys.EdDSA, SeenByAll: c.Now().Add(timeline().Lead())}}
	for _, step := range []struct {
		name string
		algs []string
		want []keys.Unseen
	}{
		{"of all", nil, late},
		{"of the one that waits", []string{keys.EdDSA}, late},
		{"of the other one", []string{keys.ES256}, nil},
	} {
		got, err := m.Unseen(t.Context(), step.algs...)
		if diff := cmp.Diff(step.want, got); diff != "" || err != nil {
			t.Errorf("%s: %v (-want +got): %s", step.name, err, diff)
		}
	}
	if _, err := m.Unseen(t.Context(), "HS256"); err == nil || !strings.Contains(err.Error(), `"HS256" is not known: choose from RS256, ES256`) {
		t.Errorf("error = %v, want one that names the algorithms", err)
	}
	// A first key signs at once too, if the operator demands it.
	if _, err := m.RotateNow(t.Context(), by(), keys.EdDSA); err != nil {
		t.Fatal(err)
	}
	tick(t, m)
	if got := signerOf(t, m, keys.EdDSA).KID; got != first {
		t.Errorf("%s signs, want %s", got, first)
	}
	st.down = true
	if _, err := m.Unseen(t.Context()); !errors.Is(err, store.ErrUnavailable) {
		t.Errorf("error = %v, want ErrUnavailable", err)
	}
}

// The next key after a rotation follows an interval later, and not at its earlier moment.
func TestAfterARotationTheNextHandoverIsBroughtForwardToo(t *testing.T) {
	st, c := &memory{}, newClock()
	m := newManager(t, st, c)
	load(t, m)
	tick(t, m)
	if _, err := m.Rotate(t.Context(), by()); err != nil {
		t.Fatal(err)
	}
	c.advance(time.Hour)
	if _, err := m.Rotate(t.Context(), by()); err != nil {
		t.Fatal(err)
	}
	tick(t, m)
	all := chain(st, keys.ES256)
	for i, k := range all[1:] {
		if interval := k.ActiveAt.Sub(all[i].ActiveAt); interval > timeline().RotationInterval {
			t.Errorf("key %d signs for %v", i+1, interval)
		}
	}
}
