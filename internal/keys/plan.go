package keys

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"authserver/internal/store"
)

// planFirst makes the keys that a server needs to start. Successors can wait.
func (m *Manager) planFirst(ctx context.Context) error {
	m.planning.Lock()
	defer m.planning.Unlock()
	algs, err := m.wanted(ctx)
	if err != nil {
		return err
	}
	_, err = m.change(ctx, m.own(), func(d *draft) error {
		for _, alg := range algs {
			if len(chainOf(d.keys, alg)) == 0 {
				d.first(alg)
			}
		}
		d.extend()
		return nil
	})
	return err
}

// Plan carries out the timeline: it makes the first key of each algorithm, and the successor of
// each active key without one, published at once so that every replica and verifier knows it long
// before it signs. It also adapts the timeline to changed lifetimes. Of several replicas that plan
// at once, one succeeds.
func (m *Manager) Plan(ctx context.Context) error {
	m.planning.Lock()
	defer m.planning.Unlock()
	algs, err := m.wanted(ctx)
	if err != nil {
		return err
	}
	if m.settled(algs) {
		return nil
	}
	changed := false
	_, err = m.change(ctx, m.own(), func(d *draft) error {
		d.planAll(algs)
		changed = len(d.change.Add)+len(d.change.Update) > 0
		return nil
	})
	if !changed {
		return err
	}
	return errors.Join(err, m.Reload(ctx))
}

// settled reports whether nothing is due by the last read, as is usual: then no query is needed.
func (m *Manager) settled(algs []string) bool {
	s := m.current.Load()
	if s == nil {
		return false
	}
	d := m.draftOf(s.read, store.At(m.Now()))
	d.planAll(algs)
	return len(d.wanted)+len(d.change.Add)+len(d.change.Update) == 0
}

func (d *draft) planAll(algs []string) {
	for _, alg := range algs {
		d.plan(alg)
	}
	d.extend()
}

// wanted returns the algorithms that need keys.
func (m *Manager) wanted(ctx context.Context) ([]string, error) {
	algs, err := m.Store.SigningAlgs(ctx)
	if err != nil {
		return nil, fmt.Errorf("read what resources want tokens signed with: %w", err)
	}
	encryption, err := m.Store.EncryptionAlgs(ctx)
	if err != nil {
		return nil, fmt.Errorf("read how issuers encrypt to this server: %w", err)
	}
	algs = append(algs, encryption...)
	for _, alg := range m.Algorithms {
		if !slices.Contains(algs, alg) {
			algs = append(algs, alg)
		}
	}
	return algs, nil
}

func (d *draft) plan(alg string) {
	keys := chainOf(d.keys, alg)
	if len(keys) == 0 {
		d.first(alg)
		return
	}
	if before, due := keys.due(d.now); due {
		d.succeed(before, d.timeline.Regular(before, d.now, d.now))
		return
	}
	d.hasten(keys)
}

// first makes the first key of an algorithm. It signs at once if no verifier can have a key set
// without it, and otherwise when none has such a set any more.
func (d *draft) first(alg string) (made store.SigningKey) {
	key, ok := d.newKey(alg)
	if !ok {
		return store.SigningKey{}
	}
	key.PublishedAt, key.ActiveAt = d.now, d.now
	if !d.fresh && !encrypts(alg) { // no client can use a key that no server has published yet
		key.ActiveAt = d.now.Add(d.timeline.Lead())
	}
	d.add(key)
	return key
}

// hasten brings handovers forward that were planned by a longer rotation interval or lead. A
// handover that was planned by a shorter one stays, and the next one uses the new value. The
// predecessor stays published for as long as was planned, for a replica that has lost its database
// and does not learn of the change.
func (d *draft) hasten(keys chain) {
	for _, next := range keys {
		before, ok := find(d.keys, next.Predecessor)
		if !ok || StateAt(next, d.now) != Pending {
			continue
		}
		h := d.timeline.Regular(before, next.PublishedAt, d.now)
		if h.At.Before(next.ActiveAt) {
			h.RemovedAt = later(h.RemovedAt, before.RemovedAt)
			d.takeOver(next, h)
		}
	}
}

// extend keeps keys published for as long as their tokens live, if the longest lifetime of a token
// has grown since their handover was planned. A key that has retired everywhere signed no such
// token.
func (d *draft) extend() {
	for _, k := range d.keys {
		heard := k.RetiredAt.Add(d.timeline.propagation())
		if k.RetiredAt.IsZero() || !k.RevokedAt.IsZero() || !d.now.Before(heard) || !k.RemovedAt.Before(k.RetiredAt.Add(d.timeline.Lag())) {
			continue
		}
		k.RemovedAt = d.timeline.handover(k.RetiredAt, d.now).RemovedAt
		d.update(k)
	}
}
