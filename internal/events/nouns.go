package events

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"strconv"
	"time"

	"authserver/internal/store"
)

// of makes an event with the members of a change.
func of(by store.Change) store.Event {
	return store.Event{
		At: by.At, Type: by.Event, Actor: by.Actor, RequestID: by.RequestID, Details: store.EventDetails{Reason: by.Voids.Reason},
	}
}

// with adds the fields that differ.
func with(e store.Event, before, after any) (_ store.Event, err error) {
	e.Details.Changes, err = changes(before, after)
	return e, err
}

// view returns show of a noun; nil: there is none.
func view[T any](noun *T, show func(T) any) any {
	if noun == nil {
		return nil
	}
	return show(*noun)
}

// either returns the state of a noun that exists, of two.
func either[T any](before, after *T) *T {
	if after != nil {
		return after
	}
	return before
}

// secret is a client's secret without its hash.
type secret struct {
	ID        string           `json:"id"`
	Kind      store.SecretKind `json:"kind"`
	CreatedAt store.Moment     `json:"created_at"`
	ExpiresAt store.Moment     `json:"expires_at,omitzero"`
}

// Client is the event of a change of a client; nil: the client does not exist before, or after.
func Client(by store.Change, before, after *store.Client) (store.Event, error) {
	e := of(by)
	there := either(before, after)
	e.ClientID, e.Details.Name = there.ID, there.Name
	show := func(c store.Client) any {
		shown := struct {
			store.Client
			Name    string   `json:"name,omitempty"`
			Secrets []secret `json:"secrets,omitempty"`
		}{Client: c, Name: c.Name}
		for _, s := range c.Secrets {
			shown.Secrets = append(shown.Secrets, secret{s.ID, s.Kind, s.CreatedAt, s.ExpiresAt})
		}
		return shown
	}
	return with(e, view(before, show), view(after, show))
}

// User is Client for a user. A change of the password shows only its time.
func User(by store.Change, before, after *store.User) (store.Event, error) {
	e := of(by)
	there := either(before, after)
	e.UserID, e.Details.Name = there.ID, there.Username
	show := func(u store.User) any {
		return struct {
			store.User
			Username string `json:"username"`
			Email    string `json:"email,omitempty"`
			UPN      string `json:"upn,omitempty"`
			Disabled bool   `json:"disabled,omitempty"`
		}{u, u.Username, u.Email, u.UPN, u.Disabled}
	}
	e, err := with(e, view(before, show), view(after, show))
	if before != nil && after != nil && string(before.PasswordHash) != string(after.PasswordHash) {
		e.Details.Changes["password"] = store.FieldChange{Hidden: true}
	}
	return e, err
}

// Resource is Client for a resource.
func Resource(by store.Change, before, after *store.Resource) (store.Event, error) {
	e := of(by)
	there := either(before, after)
	e.Details.ID, e.Details.Name = there.ID, there.Name
	show := func(r store.Resource) any {
		return struct {
			store.Resource
			Name string `json:"name,omitempty"`
		}{r, r.Name}
	}
	return with(e, view(before, show), view(after, show))
}

// Issuer is Client for a trusted issuer.
func Issuer(by store.Change, before, after *store.Issuer) (store.Event, error) {
	e := of(by)
	there := either(before, after)
	e.Details.ID = there.ID
	if there.Iss != there.ID {
		e.Details.Name = there.Iss
	}
	show := func(i store.Issuer) any {
		return struct {
			store.Issuer
			Iss      string `json:"iss,omitempty"`
			ClientID string `json:"client_id,omitempty"`
			Shared   bool   `json:"shared_secret,omitempty"`
		}{i, i.Iss, i.ClientID, len(i.SealedSecret) > 0}
	}
	e, err := with(e, view(before, show), view(after, show))
	if before != nil && after != nil && len(before.SealedSecret) > 0 && len(after.SealedSecret) > 0 &&
		string(before.SealedSecret) != string(after.SealedSecret) {
		e.Details.Changes["shared_secret"] = store.FieldChange{Hidden: true}
	}
	return e, err
}

// Family is the event of the end of a family.
func Family(by store.Change, id store.FamilyID, clientID, userID string) store.Event {
	e := of(by)
	e.Family, e.ClientID, e.UserID = id.String(), clientID, userID
	return e
}

// Session is the event of a session of a user.
func Session(by store.Change, id store.SessionID, userID string) store.Event {
	e := of(by)
	e.Details.ID, e.UserID = id.String(), userID
	return e
}

// Consent is the event of a consent.
func Consent(by store.Change, userID, clientID string) store.Event {
	e := of(by)
	e.UserID, e.ClientID = userID, clientID
	return e
}

// Delivery is the event of a logout token that a client did not get.
func Delivery(by store.Change, d store.Delivery) store.Event {
	e := of(by)
	e.Details.ID, e.UserID, e.ClientID, e.Details.Reason = d.SessionID.String(), d.UserID, d.ClientID, d.Fault
	return e
}

// Refused is the event of a code or a refresh token that is refused. A live family may be presented
// again and again, so the event is recorded once for each client.
func Refused(presented string, r store.Rotation, outcome store.Outcome, f store.Family, u store.User) store.Event {
	e := store.Event{
		At: store.At(r.Now), Type: store.EventType(presented + "." + outcome.String()),
		Actor:    store.Actor{Type: store.ActorClient, ID: r.ClientID},
		ClientID: f.ClientID, UserID: f.UserID, Family: f.ID.String(), RequestID: r.RequestID,
		Details: store.EventDetails{Name: u.Username, Presented: r.Generation, Generation: f.Generation},
	}
	if outcome == store.Reused || outcome == store.CodeReplayed {
		e.Details.Reason = r.Voids.Reason
		return e
	}
	e.Once = string(e.Type) + " " + e.Family + " " + r.ClientID
	return e
}

// Replayed is the event of an assertion or a proof that was used before. The store keeps the first,
// however often that comes.
func Replayed(at store.Moment, use store.Use, clientID, requestID string) store.Event {
	e := store.Event{
		At: at, Type: store.AssertionReplayed, ClientID: clientID, RequestID: requestID,
		Actor:   store.Actor{Type: store.ActorClient, ID: cmp.Or(clientID, use.Issuer)},
		Details: store.EventDetails{ID: hex.EncodeToString(use.ID[:]), Name: use.Issuer},
	}
	if use.Issuer == store.ProofUses {
		e.Type = store.ProofReplayed
	}
	e.Once = string(e.Type) + " " + use.Issuer + " " + e.Details.ID
	return e
}

// Throttled is the event of an account that is being guessed at. The store keeps the first of a day
// for each origin.
func Throttled(by store.Change, key store.FailureKey, userID, clientID string) store.Event {
	e := of(by)
	e.UserID, e.ClientID, e.Details.Reason = userID, clientID, key.Origin
	place := sha256.Sum256(append(key.Account[:], key.Origin...))
	e.Once = string(e.Type) + " " + hex.EncodeToString(place[:16]) + " " + by.At.UTC().Format(time.DateOnly)
	return e
}

// SecretKey is Client for a symmetric key of the server.
func SecretKey(by store.Change, before, after *store.SecretKey) (store.Event, error) {
	e := of(by)
	e.Details.ID, e.Details.Name = strconv.FormatUint(uint64(after.ID), 10), after.Purpose
	show := func(k store.SecretKey) any {
		return struct {
			ActiveAt  store.Moment `json:"active_at"`
			RemovedAt store.Moment `json:"removed_at,omitzero"`
		}{k.ActiveAt, k.RemovedAt}
	}
	return with(e, view(before, show), view(after, show))
}

// DataKey is the event of a data key that was made or removed. Its name is the ID of the master key.
func DataKey(by store.Change, k store.DataKey) store.Event {
	e := of(by)
	e.Details.ID, e.Details.Name = strconv.FormatUint(uint64(k.ID), 10), k.MasterID
	return e
}

// Sealed is the event of a value that was sealed again.
func Sealed(by store.Change, v store.SealedValue) store.Event {
	e := of(by)
	e.Details.ID = store.SealedAs(v.Table, v.ID)
	return e
}

// Unlock is the event of a user whose counters of failed logins were reset.
func Unlock(by store.Change, userID, username string) store.Event {
	e := of(by)
	e.UserID, e.Details.Name = userID, username
	return e
}
