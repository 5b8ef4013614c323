package keys

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"authserver/internal/store"
)

// createFirst makes the first key of each algorithm that has none.
func (m *Manager) createFirst(ctx context.Context) error {
	m.planning.Lock()
	defer m.planning.Unlock()
	rows, err := m.read(ctx)
	if err != nil {
		return err
	}
	for _, alg := range m.Algorithms {
		if len(chainOf(rows, alg)) > 0 {
			continue
		}
		// Several replicas may start at once; the database lets one of them win.
		if _, err := m.succeed(ctx, alg, nil); err != nil && !overtaken(err) {
			return err
		}
	}
	return nil
}

// Plan makes the successor of every active key that has none: published at once,
// so that every replica and verifier knows it long before its turn.
func (m *Manager) Plan(ctx context.Context) error {
	m.planning.Lock()
	defer m.planning.Unlock()
	s := m.current.Load()
	if s == nil {
		return errNotLoaded()
	}
	planned := false
	for _, alg := range m.Algorithms {
		predecessor, due := chainOf(s.rows, alg).due(m.Now())
		if !due {
			continue
		}
		_, err := m.succeed(ctx, alg, func(now store.Moment) (string, Handover) {
			return predecessor.KID, m.Timeline.Regular(predecessor, now)
		})
		if err != nil && !overtaken(err) {
			return err
		}
		planned = true
	}
	if !planned {
		return nil
	}
	return m.Reload(ctx)
}

// Rotate brings the next key of each algorithm named, or of all, to sign as soon
// as it may: one that is pending already as soon as it was published for
// [Timeline.Lead], a new one Lead from now. The key after that is published at
// once, so that a rotation shows in the JWKS when it was asked for, and the next
// one need not wait either. It returns what was planned. It works
// beside running servers, which follow it from the database; one that cannot
// reach the database meanwhile does not learn of it and goes on with the old key,
// whose tokens are good until that key is removed.
func (m *Manager) Rotate(ctx context.Context, algs ...string) ([]Event, error) {
	if len(algs) == 0 {
		algs = m.Algorithms
	}
	for _, alg := range algs {
		if !slices.Contains(m.Algorithms, alg) {
			return nil, fmt.Errorf("rotate: the algorithm %q is not in use: choose from %s", alg, strings.Join(m.Algorithms, ", "))
		}
	}
	m.planning.Lock()
	defer m.planning.Unlock()
	var events []Event
	for _, alg := range algs {
		planned, err := m.rotate(ctx, alg)
		if err != nil {
			return events, fmt.Errorf("rotate %s: %w", alg, err)
		}
		events = append(events, planned...)
	}
	sortEvents(events)
	return events, nil
}

// rotate tries again where another process planned at the same moment.
func (m *Manager) rotate(ctx context.Context, alg string) ([]Event, error) {
	const attempts = 5
	var conflict error
	for range attempts {
		kid, err := m.hurry(ctx, alg)
		if overtaken(err) {
			conflict = err
			continue
		}
		if err != nil {
			return nil, err
		}
		rows, err := m.prepareNext(ctx, alg, kid)
		if err != nil {
			return nil, err
		}
		return takeover(rows, kid), nil
	}
	return nil, fmt.Errorf("other processes kept changing the keys, try again: %w", conflict)
}

// prepareNext gives the key that is about to take over a successor, where it has
// none, and returns the keys as they are then.
func (m *Manager) prepareNext(ctx context.Context, alg, kid string) ([]store.SigningKey, error) {
	rows, err := m.read(ctx)
	if err != nil {
		return nil, err
	}
	last, ok := chainOf(rows, alg).last()
	if !ok || last.KID != kid {
		return rows, nil
	}
	_, err = m.succeed(ctx, alg, func(now store.Moment) (string, Handover) { return kid, m.Timeline.Regular(last, now) })
	if err != nil && !overtaken(err) { // a server may have planned it meanwhile
		return nil, err
	}
	return m.read(ctx)
}

// hurry makes or brings forward the successor and returns its kid.
func (m *Manager) hurry(ctx context.Context, alg string) (kid string, err error) {
	rows, err := m.read(ctx)
	if err != nil {
		return "", err
	}
	keys, now := chainOf(rows, alg), store.At(m.Now())
	if next, ok := keys.in(Pending, now); ok {
		h := m.Timeline.Earliest(next.PublishedAt, now)
		if !h.At.Before(next.ActiveAt) {
			return next.KID, nil // it is as early as it can be
		}
		if _, err := openKey(m.Sealer, next); err != nil {
			return "", fmt.Errorf("the next key could not sign: %w", err)
		}
		err := m.within(ctx, func(ctx context.Context) error {
			return m.Store.RescheduleSigningKey(ctx, next.KID, next.ActiveAt, h.At, h.RemovedAt)
		})
		if err != nil {
			return "", fmt.Errorf("bring key %s forward: %w", next.KID, err)
		}
		m.Logger.InfoContext(ctx, "signing key brought forward", "kid", next.KID, "alg", alg, "active_at", h.At)
		return next.KID, nil
	}
	predecessor, ok := keys.last()
	if !ok {
		return "", fmt.Errorf("there is no %s key yet: `authserver serve` makes the first one", alg)
	}
	return m.succeed(ctx, alg, func(now store.Moment) (string, Handover) {
		return predecessor.KID, m.Timeline.Earliest(now, now)
	})
}

// succeed makes a key that is published now and takes over as plan says, and
// returns its kid; a nil plan makes the first key of its algorithm.
func (m *Manager) succeed(ctx context.Context, alg string, plan func(now store.Moment) (predecessor string, h Handover)) (kid string, err error) {
	private, err := m.Generate(alg)
	if err != nil {
		return "", fmt.Errorf("make a %s key: %w", alg, err)
	}
	key, err := newKey(m.Sealer, alg, private)
	if err != nil {
		return "", fmt.Errorf("make a %s key: %w", alg, err)
	}
	// Only now, because making a key can take seconds and Lead counts from here.
	now := store.At(m.Now())
	key.PublishedAt, key.ActiveAt = now, now
	if plan == nil {
		err = m.Store.SucceedSigningKey(ctx, key, store.Moment{})
	} else {
		var h Handover
		key.Predecessor, h = plan(now)
		key.ActiveAt = h.At
		err = m.within(ctx, func(ctx context.Context) error { return m.Store.SucceedSigningKey(ctx, key, h.RemovedAt) })
	}
	if err != nil {
		return "", fmt.Errorf("keep the new %s key: %w", alg, err)
	}
	m.Logger.InfoContext(ctx, "signing key published", "kid", key.KID, "alg", alg, "active_at", key.ActiveAt, "predecessor", key.Predecessor)
	return key.KID, nil
}

// within gives a change the time that the timeline grants it: committed later, it
// would reach replicas and verifiers later than it says.
func (m *Manager) within(ctx context.Context, change func(context.Context) error) error {
	limit := m.Timeline.WriteWithin()
	bounded, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	err := change(bounded)
	if err != nil && bounded.Err() != nil && ctx.Err() == nil {
		return fmt.Errorf("the database did not take it within %v, half of --key-poll-interval, try again: %w", limit, err)
	}
	return err
}

// overtaken reports whether another process changed the keys first.
func overtaken(err error) bool {
	return errors.Is(err, store.ErrExists) || errors.Is(err, store.ErrConflict) || errors.Is(err, store.ErrNotFound)
}
