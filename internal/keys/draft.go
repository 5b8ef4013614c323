package keys

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"

	"authserver/internal/store"
)

// draft is the state of the signing keys that a change is to reach.
type draft struct {
	timeline Timeline
	now      store.Moment
	fresh    bool               // no key was ever published
	keys     []store.SigningKey // oldest ActiveAt first
	change   store.KeyPlanChange
	spare    []store.SigningKey // keys that exist and are not used yet
	wanted   []string           // the algorithms of keys that the plan needs and that do not exist yet
	failed   map[string]error   // the algorithms for which no key could be made
}

// change makes a plan for an actor from the present keys, and carries the plan out. It plans again
// if another process was quicker, or if it had to make keys first: making keys takes seconds, and
// Lead counts from the reading of the clock. It returns the keys after the change.
func (m *Manager) change(ctx context.Context, by store.Change, plan func(d *draft) error) ([]store.SigningKey, error) {
	const attempts = 5
	var spare []store.SigningKey
	failed := make(map[string]error) // of one algorithm, while the others get their keys
	var overtaken error
	for attempt := 0; attempt < attempts; {
		d, err := m.draft(ctx, spare)
		if err != nil {
			return nil, err
		}
		d.failed = failed
		if err := plan(d); err != nil {
			return nil, err
		}
		if len(d.wanted) > 0 {
			spare = append(spare, m.make(d.wanted, failed)...)
			continue
		}
		unmade := errors.Join(slices.Collect(maps.Values(failed))...)
		if len(d.change.Update)+len(d.change.Add) == 0 {
			return d.keys, unmade
		}
		by.At = d.now
		err = within(ctx, d.timeline, func(ctx context.Context) error { return m.Store.ChangeKeyPlan(ctx, d.change, by) })
		switch {
		case err == nil:
			m.logChange(ctx, d.change)
			return d.keys, unmade
		case !errors.Is(err, store.ErrConflict) && !errors.Is(err, store.ErrNotFound): // changed, or swept
			return nil, err
		}
		overtaken = err
		attempt++
	}
	return nil, fmt.Errorf("other processes kept changing the keys, try again: %w", overtaken)
}

func (m *Manager) draft(ctx context.Context, spare []store.SigningKey) (*draft, error) {
	now := store.At(m.Now())
	read, err := m.read(ctx, now)
	if err != nil {
		return nil, err
	}
	d := m.draftOf(read, now)
	d.spare = slices.Clone(spare)
	return d, nil
}

func (m *Manager) draftOf(read store.KeyPlan, now store.Moment) *draft {
	return &draft{
		timeline: m.effective(read.Lifetimes, now), now: now, fresh: len(read.Keys) == 0,
		keys: slices.Clone(read.Keys), change: store.KeyPlanChange{Version: read.Version},
	}
}

// within gives a change the time that the timeline allows. If it were committed later, it would
// reach replicas and verifiers later than it says.
func within(ctx context.Context, t Timeline, change func(context.Context) error) error {
	limit := t.WriteWithin()
	bounded, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	err := change(bounded)
	if err != nil && bounded.Err() != nil && ctx.Err() == nil {
		return fmt.Errorf("the database did not take it within %v, half of key-poll-interval, try again: %w", limit, err)
	}
	return err
}

// logChange logs what a change did.
func (m *Manager) logChange(ctx context.Context, change store.KeyPlanChange) {
	for _, k := range change.Add {
		m.Logger.InfoContext(ctx, "signing key published", "kid", k.KID, "alg", k.Alg, "active_at", k.ActiveAt, "predecessor", k.Predecessor)
	}
	for _, k := range change.Update {
		m.Logger.InfoContext(ctx, "signing key rescheduled", "kid", k.KID, "alg", k.Alg,
			"active_at", k.ActiveAt, "retired_at", k.RetiredAt, "removed_at", k.RemovedAt)
	}
}

// update changes an existing key.
func (d *draft) update(k store.SigningKey) {
	same := func(other store.SigningKey) bool { return other.KID == k.KID }
	d.keys[slices.IndexFunc(d.keys, same)] = k
	d.sort()
	if i := slices.IndexFunc(d.change.Add, same); i >= 0 {
		d.change.Add[i] = k
		return
	}
	if i := slices.IndexFunc(d.change.Update, same); i >= 0 {
		d.change.Update[i] = k
		return
	}
	d.change.Update = append(d.change.Update, k)
}

// add adds a key.
func (d *draft) add(k store.SigningKey) {
	d.keys = append(d.keys, k)
	d.sort()
	d.change.Add = append(d.change.Add, k)
}

func (d *draft) sort() {
	slices.SortStableFunc(d.keys, func(a, b store.SigningKey) int {
		return cmp.Or(a.ActiveAt.Compare(b.ActiveAt), cmp.Compare(a.KID, b.KID))
	})
}

// newKey returns a key of the algorithm without moments. If there is none yet, the key is made, and
// the plan is made once more.
func (d *draft) newKey(alg string) (store.SigningKey, bool) {
	i := slices.IndexFunc(d.spare, func(k store.SigningKey) bool { return k.Alg == alg })
	if i < 0 {
		if d.failed[alg] == nil {
			d.wanted = append(d.wanted, alg)
		}
		return store.SigningKey{}, false
	}
	key := d.spare[i]
	d.spare = slices.Delete(d.spare, i, i+1)
	return key, true
}

// succeed gives a key a successor that is published now.
func (d *draft) succeed(before store.SigningKey, h Handover) (store.SigningKey, bool) {
	next, ok := d.newKey(before.Alg)
	if !ok {
		return store.SigningKey{}, false
	}
	next.Predecessor, next.PublishedAt = before.KID, d.now
	d.add(next)
	return d.takeOver(next, h), true
}

// takeOver lets a key take over from its predecessor at a moment, and removes the predecessor from
// the JWKS when its last token has expired.
func (d *draft) takeOver(next store.SigningKey, h Handover) store.SigningKey {
	next.ActiveAt = h.At
	d.update(next)
	if before, ok := find(d.keys, next.Predecessor); ok {
		before.RetiredAt, before.RemovedAt = h.At, h.RemovedAt
		if encrypts(before.Alg) { // until no cache has a key set with it
			before.RemovedAt = later(h.RemovedAt, h.At.Add(d.timeline.Lead()))
		}
		d.update(before)
	}
	return next
}

func find(rows []store.SigningKey, kid string) (store.SigningKey, bool) {
	for _, row := range rows {
		if row.KID == kid {
			return row, true
		}
	}
	return store.SigningKey{}, false
}

// successor returns the key that takes over from kid. A key that was revoked while it was pending
// does not count.
func successor(rows []store.SigningKey, kid string) (store.SigningKey, bool) {
	for _, row := range rows {
		if row.Predecessor == kid && !row.PassedOver() {
			return row, true
		}
	}
	return store.SigningKey{}, false
}
