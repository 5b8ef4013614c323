package keys

import (
	"context"
	"fmt"
	"slices"
	"time"

	"authserver/internal/store"
)

// How long a promise of lifetimes holds, and when it is renewed. It outlives an outage of the
// database, because a server continues to use them. A server that stops cleanly withdraws it.
const (
	promiseFor   = 24 * time.Hour
	promiseRenew = promiseFor - time.Hour
)

// promise records the lifetimes of this server for every process that plans keys. It has to be
// committed before the server uses them.
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

// keepPromise renews the promise in time, and at once if the database has lost it in a failover or
// a restore.
func (m *Manager) keepPromise(ctx context.Context) error {
	now := store.At(m.Now())
	if until := m.promised.Load(); until != nil && until.Sub(now) > promiseRenew && m.promiseStands() {
		return nil
	}
	return m.promise(ctx, now.Add(promiseFor))
}

// promiseStands reports whether the promise was in the database at the last read.
func (m *Manager) promiseStands() bool {
	s := m.current.Load()
	return s == nil || slices.ContainsFunc(s.read.Lifetimes, func(l store.Lifetimes) bool { return l.Server == m.Server })
}

// Stop says that this server has stopped: its promise ends when the caches of verifiers do.
func (m *Manager) Stop(ctx context.Context) error {
	return m.promise(ctx, store.At(m.Now()))
}

// effective is the timeline that keeps the promises of all servers: a key set in a cache and a
// token live by the settings at their time, not by the present ones. A server adds its own. A
// command uses those of the servers, and its own settings if there are none.
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

// lastPromise returns the last promise, if a server is running.
func lastPromise(promised []store.Lifetimes, now time.Time) (last store.Lifetimes, serving bool) {
	for _, l := range promised {
		if now.Before(l.KeptUntil) && l.KeptUntil.After(last.KeptUntil) {
			last, serving = l, true
		}
	}
	return last, serving
}

// Effective returns the timeline that keeps the promises of all servers.
func (m *Manager) Effective(ctx context.Context) (Timeline, error) {
	now := store.At(m.Now())
	read, err := m.read(ctx, now)
	if err != nil {
		return Timeline{}, err
	}
	return m.effective(read.Lifetimes, now), nil
}

// Settles is how long a change may take to reach every running server; 0: none is running.
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
