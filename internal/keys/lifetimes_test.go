package keys_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"authserver/internal/keys"
	"authserver/internal/store"
)

// leadAndLag makes a new key by Rotate, and returns how long it is published before it signs, and
// its predecessor afterwards.
func leadAndLag(t *testing.T, m *keys.Manager) [2]time.Duration {
	t.Helper()
	events, err := m.Rotate(t.Context(), by())
	if err != nil {
		t.Fatal(err)
	}
	at := make(map[string]time.Time)
	for _, e := range events {
		at[e.Event] = e.At
	}
	return [2]time.Duration{at[keys.Activate].Sub(at[keys.Publish]), at[keys.Remove].Sub(at[keys.Retire])}
}

// Another server has other lifetimes, and stops or fails in some way. A key that is planned then
// keeps the promises of that server.
func TestWhatIsPlannedKeepsWhatEveryServerHasPromised(t *testing.T) {
	stop := func(t *testing.T, m *keys.Manager) {
		if err := m.Stop(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	const skew, caches, tokens = time.Minute, 66 * time.Minute, 3 * time.Hour
	own := [2]time.Duration{6 * time.Minute, 16 * time.Minute}
	for _, c := range []struct {
		name  string
		other func(tl *keys.Timeline)
		then  func(t *testing.T, other *keys.Manager)
		after time.Duration
		want  [2]time.Duration // lead and lag
	}{
		{"one with the same settings changes nothing", nil, nil, 0, own},
		{"shorter ones change nothing", func(tl *keys.Timeline) {
			tl.JWKSMaxAge, tl.MaxTokenTTL, tl.PollInterval, tl.ClockSkew = 0, time.Second, time.Second, 0
		}, nil, 0, own},
		{"a longer max-age, with a tenth of it, lengthens the lead", func(tl *keys.Timeline) { tl.JWKSMaxAge = time.Hour }, nil, 0, [2]time.Duration{caches + 2*time.Minute, own[1]}},
		{"a longer token lifetime lengthens the lag", func(tl *keys.Timeline) { tl.MaxTokenTTL = tokens }, nil, 0, [2]time.Duration{own[0], tokens + skew}},
		{"a longer poll interval lengthens the lead", func(tl *keys.Timeline) { tl.PollInterval = 2 * time.Minute }, nil, 0, [2]time.Duration{own[0] + time.Minute, own[1]}},
		{"more skew lengthens both", func(tl *keys.Timeline) { tl.ClockSkew = 3 * time.Minute }, nil, 0, [2]time.Duration{own[0] + 2*time.Minute, own[1] + 2*time.Minute}},
		{"one that crashed counts on", func(tl *keys.Timeline) { tl.MaxTokenTTL = tokens }, nil, 24*time.Hour - 1, [2]time.Duration{own[0], tokens + skew}},
		{"and until its last caches are over", func(tl *keys.Timeline) { tl.JWKSMaxAge = time.Hour }, nil, 24*time.Hour + skew + caches - 1, [2]time.Duration{caches + 2*time.Minute, own[1]}},
		{"but no longer", func(tl *keys.Timeline) { tl.JWKSMaxAge = time.Hour }, nil, 24*time.Hour + skew + caches, own},
		{"one that ended in order counts until its caches are over", func(tl *keys.Timeline) { tl.JWKSMaxAge = time.Hour }, stop, skew + caches - 1, [2]time.Duration{caches + 2*time.Minute, own[1]}},
		{"and no longer", func(tl *keys.Timeline) { tl.JWKSMaxAge = time.Hour }, stop, skew + caches, own},
		{"its tokens count until they have expired", func(tl *keys.Timeline) { tl.MaxTokenTTL = tokens }, stop, skew + tokens - 1, [2]time.Duration{own[0], tokens + skew}},
		{"and then no longer", func(tl *keys.Timeline) { tl.MaxTokenTTL = tokens }, stop, skew + tokens, own},
		{"its poll and its skew are over at once", func(tl *keys.Timeline) { tl.PollInterval, tl.ClockSkew = 2*time.Minute, 3*time.Minute }, stop, 0, own},
	} {
		t.Run(c.name, func(t *testing.T) {
			st, clk := &memory{}, newClock()
			m, other := newManager(t, st, clk), newManager(t, st, clk)
			m.Timeline.RotationInterval, other.Timeline.RotationInterval = 1000*time.Hour, 1000*time.Hour
			if c.other != nil {
				c.other(&other.Timeline)
			}
			load(t, m)
			load(t, other)
			if c.then != nil {
				c.then(t, other)
			}
			clk.advance(c.after)
			if got := leadAndLag(t, m); got != c.want {
				t.Errorf("lead and lag = %v, want %v", got, c.want)
			}
		})
	}
}

func TestACommandGoesByThePromisesOfServers(t *testing.T) {
	longer := keys.Timeline{RotationInterval: 48 * time.Hour, JWKSMaxAge: 10 * time.Hour, PollInterval: time.Hour, ClockSkew: time.Hour, MaxTokenTTL: 10 * time.Hour}
	st, c := &memory{}, newClock()
	server := newManager(t, st, c)
	load(t, server)
	command := newManager(t, st, c)
	command.Timeline = longer
	if got, err := command.Effective(t.Context()); err != nil || got != server.Timeline {
		t.Errorf("while a server serves it goes by %+v, %v; want what that one promised", got, err)
	}
	settles := func(want time.Duration) {
		t.Helper()
		if got, err := command.Settles(t.Context()); err != nil || got != want {
			t.Errorf("a change takes %v, %v; want %v", got, err, want)
		}
	}
	settles(time.Minute)
	second := newManager(t, st, c)
	second.Timeline.RotationInterval, second.Timeline.PollInterval = 12*time.Hour, 2*time.Minute
	c.advance(time.Second)
	load(t, second)
	want := server.Timeline
	want.RotationInterval, want.PollInterval = 12*time.Hour, 2*time.Minute // that of the newest
	if got, err := command.Effective(t.Context()); err != nil || got != want {
		t.Errorf("while two serve it goes by %+v, %v; want %+v", got, err, want)
	}
	settles(2 * time.Minute)
	c.advance(3 * time.Hour)
	tick(t, server) // it promises again
	want.RotationInterval = server.Timeline.RotationInterval
	if got, err := command.Effective(t.Context()); err != nil || got != want {
		t.Errorf("after the first has promised anew it goes by %+v, %v; want %+v", got, err, want)
	}
	for _, m := range []*keys.Manager{server, second} {
		if err := m.Stop(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	if got, err := command.Effective(t.Context()); err != nil || got != longer {
		t.Errorf("while none serves it goes by %+v, %v; want its own settings", got, err)
	}
	settles(0)
	st.down = true
	if _, err := command.Effective(t.Context()); !errors.Is(err, store.ErrUnavailable) {
		t.Errorf("error = %v, want ErrUnavailable", err)
	}
	if _, err := command.Settles(t.Context()); !errors.Is(err, store.ErrUnavailable) {
		t.Errorf("error = %v, want ErrUnavailable", err)
	}
}

func TestAPromiseIsRenewedInTime(t *testing.T) {
	st, c := &memory{}, newClock()
	m := newManager(t, st, c)
	load(t, m)
	left := func() time.Duration { return st.lifetimes[0].KeptUntil.Sub(c.Now()) }
	for range 20 {
		c.advance(30 * time.Minute)
		tick(t, m)
		if left() <= 23*time.Hour {
			t.Fatalf("a promise stands for %v", left())
		}
	}
	if len(st.lifetimes) != 1 {
		t.Errorf("%d promises, want the one", len(st.lifetimes))
	}
	// While reading fails, the server continues to use its lifetimes.
	st.signing[0].Alg = keys.RS256
	c.advance(2 * time.Hour)
	if err := m.Tick(t.Context()); err == nil {
		t.Fatal("it takes in a set without an active key")
	}
	if left() <= 23*time.Hour {
		t.Errorf("a promise stands for %v, although the server serves", left())
	}
}

func TestALostDatabaseIsToldWhenAServerCannotPromise(t *testing.T) {
	st, c := &memory{}, newClock()
	m := newManager(t, st, c)
	m.Store = &unpromising{memory: st}
	if err := m.Load(t.Context()); !errors.Is(err, store.ErrUnavailable) {
		t.Errorf("Load: %v, want ErrUnavailable", err)
	}
	if len(st.signing) != 0 {
		t.Error("a server that has promised nothing makes keys")
	}
	m.Store = st
	load(t, m)
	m.Store = &unpromising{memory: st}
	c.advance(2 * time.Hour)
	if err := m.Tick(t.Context()); !errors.Is(err, store.ErrUnavailable) {
		t.Errorf("Tick: %v, want ErrUnavailable", err)
	}
	if err := m.Stop(t.Context()); !errors.Is(err, store.ErrUnavailable) {
		t.Errorf("Stop: %v, want ErrUnavailable", err)
	}
}

// unpromising refuses promises.
type unpromising struct{ *memory }

func (*unpromising) PromiseLifetimes(context.Context, store.Lifetimes, store.Moment) error {
	return store.ErrUnavailable
}

// A server repeats a promise that a failover has lost, before the next plan, and before a
// revocation is kept for too short a time.
func TestAPromiseThatTheDatabaseLostIsMadeAgain(t *testing.T) {
	st, clk := &memory{}, newClock()
	m := newManager(t, st, clk)
	load(t, m)
	promised := st.lifetimes[0]
	st.lifetimes = nil
	if err := m.Tick(t.Context()); err != nil {
		t.Fatal(err)
	}
	if len(st.lifetimes) != 1 || st.lifetimes[0].Server != promised.Server || st.lifetimes[0].MaxTokenTTL != promised.MaxTokenTTL {
		t.Errorf("the database has %+v, and the server serves by %+v", st.lifetimes, promised)
	}
}
