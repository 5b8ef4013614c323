package store

import (
	"context"
	"encoding/json"
)

// EventType names what happened: the noun, a dot, and the verb in the past.
type EventType string

// What administrators, and servers on their behalf, do.
const (
	ClientCreated       EventType = "client.created"
	ClientUpdated       EventType = "client.updated"
	ClientSecretRotated EventType = "client.secret_rotated"
	ClientDeleted       EventType = "client.deleted"
	UserCreated         EventType = "user.created"
	UserUpdated         EventType = "user.updated"
	UserDeleted         EventType = "user.deleted"
	UserUnlocked        EventType = "user.unlocked"
	ResourceCreated     EventType = "resource.created"
	ResourceUpdated     EventType = "resource.updated"
	ResourceDeleted     EventType = "resource.deleted"
	IssuerCreated       EventType = "issuer.created"
	IssuerUpdated       EventType = "issuer.updated"
	IssuerDeleted       EventType = "issuer.deleted"
	FamilyRevoked       EventType = "family.revoked"

	SessionCreated EventType = "session.created"
	SessionRenewed EventType = "session.renewed"
	SessionEnded   EventType = "session.ended"
	ConsentGranted EventType = "consent.granted"
	ConsentRevoked EventType = "consent.revoked"

	// LogoutUndelivered says that the delivery of a logout token failed for good.
	LogoutUndelivered EventType = "logout.undelivered"

	KeyPublished   EventType = "key.published"
	KeyImported    EventType = "key.imported"
	KeyCertified   EventType = "key.certified"
	KeyRescheduled EventType = "key.rescheduled"
	KeyActivated   EventType = "key.activated"
	KeyRetired     EventType = "key.retired"
	KeyRevoked     EventType = "key.revoked"

	RefreshKeyPublished   EventType = "refresh_key.published"
	RefreshKeyRescheduled EventType = "refresh_key.rescheduled"
	SubjectSecretCreated  EventType = "subject_secret.created"
	DataKeyCreated        EventType = "data_key.created"
	DataKeyDeleted        EventType = "data_key.deleted"
	SecretResealed        EventType = "secret.resealed"
)

// Signs of a stolen code, token, key or assertion.
const (
	AuthorizationCodeReplayed         EventType = "code.replayed"
	AuthorizationCodeWrongClient      EventType = "code.wrong_client"
	AuthorizationCodeWrongRedirectURI EventType = "code.wrong_redirect_uri"
	AuthorizationCodeWrongVerifier    EventType = "code.wrong_verifier"
	AuthorizationCodeWrongKey         EventType = "code.wrong_key"
	RefreshTokenReused                EventType = "refresh_token.reused"
	RefreshTokenWrongClient           EventType = "refresh_token.wrong_client"
	RefreshTokenWrongKey              EventType = "refresh_token.wrong_key"
	AssertionReplayed                 EventType = "assertion.replayed"
	ProofReplayed                     EventType = "dpop.replayed"
	// LoginThrottled says that passwords or client secrets are being guessed. It is recorded once a
	// day for an account and the origin of the guesses.
	LoginThrottled EventType = "login.throttled"
)

// EventTypes returns every type, in the order in which the documentation lists them.
func EventTypes() []EventType {
	return []EventType{
		ClientCreated, ClientUpdated, ClientSecretRotated, ClientDeleted, UserCreated, UserUpdated, UserDeleted, UserUnlocked,
		ResourceCreated, ResourceUpdated, ResourceDeleted, IssuerCreated, IssuerUpdated, IssuerDeleted,
		FamilyRevoked,
		SessionCreated, SessionRenewed, SessionEnded, ConsentGranted, ConsentRevoked, LogoutUndelivered,
		KeyPublished, KeyImported, KeyCertified, KeyRescheduled, KeyActivated, KeyRetired, KeyRevoked,
		RefreshKeyPublished, RefreshKeyRescheduled, SubjectSecretCreated, DataKeyCreated, DataKeyDeleted, SecretResealed,
		AuthorizationCodeReplayed, AuthorizationCodeWrongClient, AuthorizationCodeWrongRedirectURI, AuthorizationCodeWrongVerifier, AuthorizationCodeWrongKey,
		RefreshTokenReused, RefreshTokenWrongClient, RefreshTokenWrongKey, AssertionReplayed, ProofReplayed, LoginThrottled,
	}
}

// Event is what happened, for the audit. Events are only ever added, and removed when they
// are old.
type Event struct {
	ID        string // a UUID (RFC 9562 §5.7, version 7), which sorts by At; the engine makes it
	At        Moment
	Type      EventType
	Actor     Actor
	ClientID  string // the client that it is about; "": none
	UserID    string // the user that it is about; "": none
	Family    string // the family that it is about, in lower-case hex; "": none
	RequestID string // of the HTTP request; "": none
	// Once is the key of something that is recorded only the first time; "": each time. It is
	// written and never read.
	Once    string
	Details EventDetails
}

// EventDetails are the parts of an event that no search uses. It has no secret, no hash and nothing
// sealed.
type EventDetails struct {
	ID      string                 `json:"id,omitempty"`      // of an object other than a client, user or family
	Name    string                 `json:"name,omitempty"`    // such as a username
	Reason  string                 `json:"reason,omitempty"`  // why, as a slug, or in an administrator's words
	Changes map[string]FieldChange `json:"changes,omitempty"` // the fields that changed
	// The generation of the refresh token that was presented, and that of its family.
	Presented  uint32 `json:"presented_generation,omitempty"`
	Generation uint32 `json:"generation,omitempty"`
}

// FieldChange is a field before and after a change; null: it was not there.
type FieldChange struct {
	Before json.RawMessage `json:"before"`
	After  json.RawMessage `json:"after"`
	// Hidden says that a secret was replaced by another, and that the event shows neither.
	Hidden bool `json:"hidden,omitempty"`
	// The sizes of values that are too large to show, for which Before and After are null.
	BeforeBytes int `json:"before_bytes,omitempty"`
	AfterBytes  int `json:"after_bytes,omitempty"`
}

// EventFilter picks events. An empty member picks all.
type EventFilter struct {
	ClientID  string
	UserID    string
	Family    string
	RequestID string
	Actor     Actor  // of which either member may be empty
	Type      string // an EventType, or its part before the dot
	Since     Moment
	After     string // the ID of an event; those with a greater one are picked
	Limit     int    // 1 to MaxPage
	Newest    bool   // the newest Limit events instead of the oldest
}

// Page returns the bounds of the listing.
func (f EventFilter) Page() Page { return Page{After: f.After, Limit: f.Limit} }

// Events keeps events.
type Events interface {
	// RecordEvent adds an event that belongs to no change of the store. If its Once is taken, it is
	// not added, which is not an error.
	RecordEvent(ctx context.Context, e Event) error
	// ListEvents returns events in the order of their IDs.
	ListEvents(ctx context.Context, f EventFilter) ([]Event, error)
	// SweepEvents removes at most limit events from before a moment and returns how many
	// it removed, 0 when nothing is left to do or when another replica is sweeping.
	SweepEvents(ctx context.Context, before Moment, limit int) (removed int, err error)
}
