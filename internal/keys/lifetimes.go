package keys

import (
	"context"
	"fmt"
	"slices"
	"time"

	"authserver/internal/store"
)

// How long a promise of lifetimes stands, and when it is renewed. It outlives an
// outage of the database, through which a server goes on serving by them; one that
// stops in order takes it back.
const (
	promiseFor   = 24 * time.Hour
	promiseRenew = promiseFor - time.Hour
)

// promise tells every process that plans keys by which lifetimes this one serves.
// It has to be committed before anything is served by them.
func (m *Manager) promise(ctx context.Context, until store.Moment) error {
	l := store.Lifetimes{
		Server: m.Server, RotationInterval: m.Timeline.RotationInterval, JWKSMaxAge: m.Timeline.JWKSMaxAge,
		PollInterval: m.Timeline.PollInterval, ClockSkew: m.Timeline.ClockSkew, MaxTokenTTL: m.Timeline.MaxTokenTTL, KeptUntil: until,
	}
	err := within(ctx, m.Timeline, func(ctx context.Context) error {
		return m.Store.PromiseLifetimes(ctx, l, store.At(m.Now()))
	})
	if err != nil {
		return fmt.Errorf("record by which lifetimes this server serves: %w", err)
	}
	m.promised.Store(&until)
	return nil
}

// keepPromise renews it in time, and at once where the database has lost it: in a failover,
// or because it was restored.
func (m *Manager) keepPromise(ctx context.Context) error {
	now := store.At(m.Now())
	if until := m.promised.Load(); until != nil && until.Sub(now) > promiseRenew && m.promiseStands() {
		return nil
	}
	return m.promise(ctx, now.Add(promiseFor))
}

// promiseStands reports whether the promise was in the database when it was read last.
func (m *Manager) promiseStands() bool {
	s := m.current.Load()
	return s == nil || slices.ContainsFunc(s.read.Lifetimes, func(l store.Lifetimes) bool { return l.Server == m.Server })
}

// Stop says that this server serves no longer: what it told verifiers is over when
// their caches are.
func (m *Manager) Stop(ctx context.Context) error {
	return m.promise(ctx, store.At(m.Now()))
}

// effective is the timeline that keeps what every server has promised to
// verifiers: a key set that was handed out is cached, and a token that was signed
// lives, by the settings of then and not by those of now. A server adds its own;
// a command goes by the servers' alone, and by its own settings where there are
// none.
func (m *Manager) effective(promised []store.Lifetimes, now time.Time) Timeline {
	t := m.Timeline
	if newest, serving := lastPromise(promised, now); serving && m.promised.Load() == nil {
		t = Timeline{RotationInterval: newest.RotationInterval}
	}
	for _, l := range promised {
		if now.Before(l.KeptUntil) {
			t.PollInterval = max(t.PollInterval, l.PollInterval)
			t.ClockSkew = max(t.ClockSkew, l.ClockSkew)
		}
	}
	for _, l := range promised {
		last := l.KeptUntil.Add(t.ClockSkew) // of what the server did
		if now.Before(last.Add(Timeline{JWKSMaxAge: l.JWKSMaxAge}.Cached())) {
			t.JWKSMaxAge = max(t.JWKSMaxAge, l.JWKSMaxAge)
		}
		if now.Before(last.Add(l.MaxTokenTTL)) {
			t.MaxTokenTTL = max(t.MaxTokenTTL, l.MaxTokenTTL)
		}
	}
	return t
}

// lastPromise returns what was promised last, where a server serves at the moment.
func lastPromise(promised []store.Lifetimes, now time.Time) (last store.Lifetimes, serving bool) {
	for _, l := range promised {
		if now.Before(l.KeptUntil) && l.KeptUntil.After(last.KeptUntil) {
			last, serving = l, true
		}
	}
	return last, serving
}

// Effective returns the timeline that keeps what every server has promised.
func (m *Manager) Effective(ctx context.Context) (Timeline, error) {
	now := store.At(m.Now())
	read, err := m.read(ctx, now)
	if err != nil {
		return Timeline{}, err
	}
	return m.effective(read.Lifetimes, now), nil
}

// Settles is how long a change may take to reach every server that serves; zero
// where none does.
func (m *Manager) Settles(ctx context.Context) (time.Duration, error) {
	now := store.At(m.Now())
	read, err := m.read(ctx, now)
	if err != nil {
		return 0, err
	}
	if _, serving := lastPromise(read.Lifetimes, now); !serving {
		return 0, nil
	}
	return m.effective(read.Lifetimes, now).PollInterval, nil
}
