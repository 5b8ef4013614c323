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
// introspection. Where it signed, the key that was to be next signs instead; that
// one is published already, so that verifiers know it. It works beside running
// servers, which follow it from the database.
func (m *Manager) Revoke(ctx context.Context, kid, reason string) (Revoked, error) {
	m.planning.Lock()
	defer m.planning.Unlock()
	const attempts = 5
	var conflict error
	for range attempts {
		revoked, err := m.revoke(ctx, kid, reason)
		if !overtaken(err) {
			return revoked, err
		}
		conflict = err
	}
	return Revoked{}, fmt.Errorf("revoke key %s: other processes kept changing the keys, try again: %w", kid, conflict)
}

func (m *Manager) revoke(ctx context.Context, kid, reason string) (Revoked, error) {
	rows, err := m.read(ctx)
	if err != nil {
		return Revoked{}, err
	}
	row, ok := find(rows, kid)
	if !ok || StateAt(row, m.Now()) == Removed {
		return Revoked{}, fmt.Errorf("there is no key %s that could be revoked: see `authserver key list`", kid)
	}
	r := store.KeyRevocation{KID: kid, Reason: reason, Lag: m.Timeline.Lag()}
	last, _ := chainOf(rows, row.Alg).last()
	if alone := last.KID == kid; alone && StateAt(row, m.Now()) == Active {
		if r.Next, err = m.replacement(row); err != nil {
			return Revoked{}, err
		}
	}
	now := store.At(m.Now()) // only now: making a key can take seconds
	r.At, r.From = now, store.At(now.Add(-m.Timeline.ClockSkew))
	if r.Next != nil {
		r.Next.PublishedAt, r.Next.ActiveAt = r.From, r.From
	}
	revoked := Revoked{KID: kid, Alg: row.Alg, State: StateAt(row, now), RevokedAt: now}
	if err := m.Store.RevokeSigningKey(ctx, r); err != nil {
		return Revoked{}, fmt.Errorf("revoke key %s: %w", kid, err)
	}
	m.Logger.WarnContext(ctx, "signing key revoked", "kid", kid, "alg", row.Alg, "reason", reason)
	if revoked.State != Active {
		return revoked, nil
	}
	if rows, err = m.read(ctx); err != nil {
		return revoked, err
	}
	if signs, ok := chainOf(rows, row.Alg).in(Active, m.Now()); ok {
		revoked.Successor = &signs.KID
	}
	return revoked, nil
}

// replacement makes a key to sign in the place of one that nobody waits to succeed.
func (m *Manager) replacement(predecessor store.SigningKey) (*store.SigningKey, error) {
	private, err := m.Generate(predecessor.Alg)
	if err != nil {
		return nil, fmt.Errorf("make a %s key: %w", predecessor.Alg, err)
	}
	key, err := newKey(m.Sealer, predecessor.Alg, private)
	if err != nil {
		return nil, fmt.Errorf("make a %s key: %w", predecessor.Alg, err)
	}
	key.Predecessor = predecessor.KID
	return &key, nil
}

func find(rows []store.SigningKey, kid string) (store.SigningKey, bool) {
	for _, row := range rows {
		if row.KID == kid {
			return row, true
		}
	}
	return store.SigningKey{}, false
}
