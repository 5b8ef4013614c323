package keys

import (
	"context"
	"fmt"
	"time"

	"authserver/internal/store"
)

// Revoked is the result of a revocation.
type Revoked struct {
	KID       string    `json:"kid"`
	Alg       string    `json:"alg"`
	State     State     `json:"state"` // before the revocation
	RevokedAt time.Time `json:"revoked_at"`
	Successor *string   `json:"successor"` // the kid that signs instead; nil if the revoked key did not sign
}

// Revoke takes a key out of use at once, in an emergency: the key leaves the JWKS, no server signs
// with it any more, and introspection calls the tokens that it signed inactive. If it was the
// active key, the next key signs instead, in the same transaction; that one is published already,
// so verifiers know it. Running servers follow from the database.
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

// revoke takes a key out of its chain and makes sure that another one signs.
func (d *draft) revoke(k store.SigningKey, reason string) {
	state := StateAt(k, d.now)
	next, followed := successor(d.keys, k.KID)
	// A replica whose clock is behind, or that read it some time ago, needs a key to sign with,
	// too.
	from := store.At(d.now.Add(-d.timeline.ClockSkew - d.timeline.WriteWithin()))
	if k.RetiredAt.IsZero() || k.RetiredAt.After(d.now) {
		k.RetiredAt = d.now
	}
	k.RevokedAt, k.RemovedAt, k.Reason = d.now, d.now, reason
	before := k.Predecessor
	d.update(k)
	switch {
	case state == Pending && before == "" && !followed:
		d.first(k.Alg) // a server accepts no reading without a key for each of its algorithms
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

// retireBy retires the keys before the revoked one at the latest when the key that takes over
// begins to sign: they still sign at a server whose clock is behind. There are several if keys
// changed within moments.
func (d *draft) retireBy(kid string, at store.Moment) {
	for k, ok := find(d.keys, kid); ok && k.RetiredAt.After(at); k, ok = find(d.keys, k.Predecessor) {
		k.RetiredAt = at
		d.update(k)
	}
}

// passOver links the keys before and after a pending key to each other.
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
