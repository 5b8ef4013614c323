package keys

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"authserver/internal/store"
)

// planFirst does what cannot wait until a server serves. A successor can wait.
func (m *Manager) planFirst(ctx context.Context) error {
	m.planning.Lock()
	defer m.planning.Unlock()
	algs, err := m.wanted(ctx)
	if err != nil {
		return err
	}
	_, err = m.change(ctx, m.own(), func(d *draft) error {
		for _, alg := range algs {
			if len(d.chain(alg)) == 0 {
				d.first(alg)
			}
		}
		d.extend()
		return nil
	})
	return err
}

// Plan does what the timeline asks for: the first key of each algorithm, the
// successor of each key that signs and has none, published at once so that every
// replica and verifier knows it long before its turn, and a timeline that follows
// the lifetimes where those were changed. Of several replicas that plan at once
// one succeeds.
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

// settled reports whether nothing is due by what was read last, as nearly always:
// then the database need not be asked again.
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

// wanted returns the algorithms that there have to be keys for.
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
	keys := d.chain(alg)
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

// first makes the first key of an algorithm. It signs at once if no verifier can have a
// key set without it, or else when none has such a set any more.
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

// hasten brings forward what was planned by a longer rotation interval or lead. What
// was planned by a shorter one stays: the next handover is the first by the new one.
// The predecessor stays published for as long as was planned, for a replica that
// has lost its database and does not hear of this.
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

// extend keeps keys published for as long as their tokens live, where the longest
// lifetime of a token has grown since the handover from them was planned. Tokens of
// one that has retired everywhere are from before.
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
