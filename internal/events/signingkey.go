package events

import (
	"bytes"
	"slices"

	"authserver/internal/store"
)

// SigningKey is the event of a signing key that a change of the key plan adds, where before is nil,
// or updates. Each key of a change has an event of its own. brought says whether an administrator
// imported the key.
func SigningKey(by store.Change, before *store.SigningKey, after store.SigningKey, brought bool) (store.Event, error) {
	by.Event = signingKeyEvent(before, after, brought)
	e := of(by)
	e.Details.ID, e.Details.Name, e.Details.Reason = after.KID, after.Alg, after.Reason
	show := func(k store.SigningKey) any {
		return struct {
			Certificates [][]byte     `json:"certificates,omitempty"`
			Predecessor  string       `json:"predecessor,omitempty"`
			PublishedAt  store.Moment `json:"published_at"`
			ActiveAt     store.Moment `json:"active_at"`
			RetiredAt    store.Moment `json:"retired_at,omitzero"`
			RemovedAt    store.Moment `json:"removed_at,omitzero"`
			RevokedAt    store.Moment `json:"revoked_at,omitzero"`
		}{k.Certificates, k.Predecessor, k.PublishedAt, k.ActiveAt, k.RetiredAt, k.RemovedAt, k.RevokedAt}
	}
	return with(e, view(before, show), show(after))
}

// KeyTransition is the event of a key that began to sign, or stopped. Every server records it, and
// the store keeps the first.
func KeyTransition(by store.Change, k store.SigningKey) store.Event {
	e := of(by)
	e.Details.ID, e.Details.Name = k.KID, k.Alg
	e.Once = string(e.Type) + " " + k.KID
	return e
}

func signingKeyEvent(before *store.SigningKey, after store.SigningKey, brought bool) store.EventType {
	switch {
	case before == nil && brought:
		return store.KeyImported
	case before == nil:
		return store.KeyPublished
	case !after.RevokedAt.IsZero() && before.RevokedAt.IsZero():
		return store.KeyRevoked
	case !slices.EqualFunc(before.Certificates, after.Certificates, bytes.Equal):
		return store.KeyCertified
	}
	return store.KeyRescheduled
}
