package keys

import (
	"context"
	"fmt"
	"time"

	"authserver/internal/store"
)

// Revoked is what became of a key that was revoked.
type Revoked struct {
	KID       string    `json:"kid"`
	Alg       string    `json:"alg"`
	State     State     `json:"state"` // in which it was
	RevokedAt time.Time `json:"revoked_at"`
	Successor *string   `json:"successor"` // the kid that signs instead; nil where it did not sign
}

// Revoke takes a key out of use at once, in an emergency: it leaves the JWKS, no
// server signs with it any more, and the tokens that it signed are inactive at
// introspection. Where it signed, the key that was to be next signs instead, in
// the same transaction; that one is published already, so that verifiers know it.
// It works beside running servers, which follow it from the database.
func (m *Manager) Revoke(ctx context.Context, by store.Change, kid, reason string) (Revoked, error) {
	m.planning.Lock()
	defer m.planning.Unlock()
	var revoked Revoked
	rows, err := m.change(ctx, by, func(d *draft) error {
		row, ok := find(d.keys, kid)
		if !ok || StateAt(row, d.now) == Removed {
			return store.ErrNotFound
		}
		revoked = Revoked{KID: kid, Alg: row.Alg, State: StateAt(row, d.now), RevokedAt: d.now}
		d.revoke(row, reason)
		return nil
	})
	if err != nil {
		return Revoked{}, fmt.Errorf("revoke key %s: %w", kid, err)
	}
	m.Logger.WarnContext(ctx, "signing key revoked", "kid", kid, "alg", revoked.Alg, "reason", reason)
	if revoked.State == Active {
		if signs, ok := chainOf(rows, revoked.Alg).in(Active, m.Now()); ok {
			revoked.Successor = &signs.KID
		}
	}
	return revoked, nil
}

// revoke takes a key out of its chain and sees to it that another one signs.
func (d *draft) revoke(k store.SigningKey, reason string) {
	state := StateAt(k, d.now)
	next, followed := successor(d.keys, k.KID)
	// A replica whose clock is behind, or that looked at it some time ago, needs a key
	// to sign with, too.
	from := store.At(d.now.Add(-d.timeline.ClockSkew - d.timeline.WriteWithin()))
	if k.RetiredAt.IsZero() || k.RetiredAt.After(d.now) {
		k.RetiredAt = d.now
	}
	k.RevokedAt, k.RemovedAt, k.Reason = d.now, d.now, reason
	before := k.Predecessor
	d.update(k)
	switch {
	case state == Pending && before == "" && !followed:
		d.first(k.Alg) // without any key of an algorithm that it is to have a server takes nothing in
	case state == Pending:
		d.passOver(before, next, followed)
	case followed && from.Before(next.ActiveAt):
		next.ActiveAt = from
		d.update(next)
		d.retireBy(before, from)
	case !followed && state == Active:
		if made, ok := d.newKey(k.Alg); ok {
			made.Predecessor, made.PublishedAt, made.ActiveAt = k.KID, from, from
			d.add(made)
			d.retireBy(before, from)
		}
	}
}

// retireBy lets the keys before the revoked one, which sign where a clock is behind,
// go on no longer than until the one that takes over does. There are several where
// they took turns within moments.
func (d *draft) retireBy(kid string, at store.Moment) {
	for k, ok := find(d.keys, kid); ok && k.RetiredAt.After(at); k, ok = find(d.keys, k.Predecessor) {
		k.RetiredAt = at
		d.update(k)
	}
}

// passOver ties the keys before and after one that was waiting to each other.
func (d *draft) passOver(before string, next store.SigningKey, followed bool) {
	if followed {
		next.Predecessor = before
		d.update(next)
	}
	p, ok := find(d.keys, before)
	if !ok {
		return
	}
	p.RetiredAt, p.RemovedAt = store.Moment{}, store.Moment{}
	if followed {
		h := d.timeline.handover(next.ActiveAt, d.now)
		p.RetiredAt, p.RemovedAt = h.At, h.RemovedAt
	}
	d.update(p)
}
