package store

import (
	"context"
	"time"
)

// SessionID names a session: 16 random bytes. Administrators, and the claim "sid" of an ID
// token, have it in lower-case hex.
type SessionID [16]byte

// IsZero reports whether it names none.
func (id SessionID) IsZero() bool { return id == SessionID{} }

// Session is that a person is signed in with one browser.
type Session struct {
	ID     SessionID
	Secret [32]byte // SHA-256 of the secret in the browser's cookie; unique
	UserID string
	// UserNotBefore is the NotBefore of the user as it was read at the sign-in. Where that has
	// moved on since, the session is void: see Family.UserNotBefore.
	UserNotBefore Moment
	Methods       []SessionMethod // how the person proved who they are, the oldest first; never empty
	Device        string          // what the browser says of itself, shortened, for the person to recognise
	Address       string          // the client address of the last sign-in
	CreatedAt     Moment
	SeenAt        Moment // moves by the minute, in batches
	IdleExpiresAt Moment // moves with SeenAt
	ExpiresAt     Moment // never moves
	EndedAt       Moment // zero while it lives
	EndedReason   string // slug for the audit, such as "logged_out"; "" while it lives
}

// SessionMethod is one proof of who the person is.
type SessionMethod struct {
	Method string `json:"method"` // an authentication method reference (RFC 8176), such as "pwd"
	At     Moment `json:"at"`
}

// AuthTime returns when the person proved last who they are (OIDC Core §2, "auth_time").
func (s Session) AuthTime() Moment {
	if len(s.Methods) == 0 {
		return Moment{}
	}
	return s.Methods[len(s.Methods)-1].At
}

// Expired reports whether the session was idle for too long or is at the end of its life,
// when a clock shows now. Any server may have written its moments, so all of them count as
// those of another clock.
func (s Session) Expired(now Moment, c Clock) bool {
	at := c.Earliest(At(now), 0)
	return !at.Before(s.IdleExpiresAt) || !at.Before(s.ExpiresAt)
}

// Void reports whether the session is good for nothing any more: it ended or expired, or
// its user, as they are now, is disabled or not as they were at the sign-in.
func (s Session) Void(u User, now Moment, c Clock) bool {
	return !s.EndedAt.IsZero() || u.Disabled || s.UserNotBefore.Before(u.NotBefore) || s.Expired(now, c)
}

// SignedIn is what a server has to know to go on with a sign-in.
type SignedIn struct {
	Session Session
	User    User     // without PasswordHash
	Consent *Consent // of the user to the client that was asked about; nil: there is none
}

// SessionSeen says that a session was used.
type SessionSeen struct {
	ID            SessionID
	SeenAt        Moment
	IdleExpiresAt Moment // from then on
}

// KeepEnded is how long a session that ended is kept, so that the person and the audit can
// be told why.
const KeepEnded = 24 * time.Hour

// Sessions keeps the sessions of browsers.
type Sessions interface {
	// CreateSession adds a session, its IdleExpiresAt cut to its ExpiresAt. ErrNotFound where
	// the user is gone, ErrExists where the ID or the secret is taken.
	CreateSession(ctx context.Context, s Session, by Change) error
	// SessionBySecret returns a session with its user, and with what the user consented to for
	// a client, in one read, or ErrNotFound. One that ended or expired is returned too: see
	// Session.Void.
	SessionBySecret(ctx context.Context, secret [32]byte, clientID string) (SignedIn, error)
	// RenewSession replaces everything of a session but its ID, user and CreatedAt, and most of
	// all its secret: each sign-in within a session gives the browser a new one. ErrNotFound
	// where no session has the old secret, ErrConflict where that session ended, or is
	// not the one that s.ID and s.UserID name.
	RenewSession(ctx context.Context, old [32]byte, s Session, by Change) error
	// SeeSessions moves SeenAt and IdleExpiresAt of sessions that live, and that were not idle
	// for too long before they were seen. Neither moves back, and IdleExpiresAt never beyond
	// ExpiresAt. It is done in batches, by the minute, and never on the way of a request.
	SeeSessions(ctx context.Context, seen []SessionSeen) error
	// EndSession ends a session, and in the same transaction each of its families that is not
	// Offline, and each code. by.Voids is what is void of each such family: the engine fills in
	// its Value, and takes its Reason for the session and for the families. ErrNotFound where there is none. To end
	// what ended before is no error, and no event. Its clients get a [Delivery] each.
	EndSession(ctx context.Context, id SessionID, by Change) error
}

// SessionAdmin looks after all sessions.
type SessionAdmin interface {
	// Session returns a session, or ErrNotFound.
	Session(ctx context.Context, id SessionID) (Session, error)
	// ListSessions returns sessions in the order of their IDs.
	ListSessions(ctx context.Context, p SessionPage) ([]Session, error)
	// EndExpiredSessions ends as EndSession does at most limit sessions that did not end, and
	// that were idle for too long or at the end of their life before a moment. It returns how
	// many, 0 when none is left or when another replica does it. by.Voids has the moment and the
	// reason, and no Kind: access tokens that were issued are left to their own end, since a
	// revocation for each session would make what replicas hold in memory grow with traffic.
	EndExpiredSessions(ctx context.Context, before Moment, limit int, by Change) (ended int, err error)
}

// SessionPage is a listing of sessions: at most Limit (1 to MaxPage) whose ID sorts after
// After, of a user or, where UserID is "", of all.
type SessionPage struct {
	UserID string
	After  SessionID
	Limit  int
}

// Check returns an error where the limit is out of bounds.
func (p SessionPage) Check() error { return Page{Limit: p.Limit}.Check() }
