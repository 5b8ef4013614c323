package store

import (
	"context"
	"time"
)

// Session is the session of a person in one browser.
type Session struct {
	ID     SessionID
	Secret [32]byte // SHA-256 of the secret in the browser's cookie; unique
	UserID string
	// UserNotBefore is the NotBefore of the user at the sign-in. If that has moved on since, the
	// session has ended: see Family.UserNotBefore.
	UserNotBefore Moment
	Methods       []SessionMethod // how the person authenticated, the oldest first; never empty
	Device        string          // the browser's User-Agent, shortened, for the person to recognise
	Address       string          // the client address of the last sign-in
	CreatedAt     Moment
	SeenAt        Moment // moves by the minute, in batches
	IdleExpiresAt Moment // moves with SeenAt
	ExpiresAt     Moment // never moves
	EndedAt       Moment // zero while it lives
	EndedReason   string // slug for the audit, such as "logged_out"; "" while it lives
}

// SessionMethod is one authentication of the person.
type SessionMethod struct {
	Method string `json:"method"` // an authentication method reference (RFC 8176), such as "pwd"
	At     Moment `json:"at"`
}

// AuthTime returns the time of the last authentication (OIDC Core §2, "auth_time").
func (s Session) AuthTime() Moment {
	if len(s.Methods) == 0 {
		return Moment{}
	}
	return s.Methods[len(s.Methods)-1].At
}

// Expired reports whether the session was idle for too long or has reached ExpiresAt, when a clock
// shows now. Any server may have written its moments, so they all count as those of another clock.
func (s Session) Expired(now Moment, c Clock) bool {
	at := c.Earliest(At(now), 0)
	return !at.Before(s.IdleExpiresAt) || !at.Before(s.ExpiresAt)
}

// endedWith reports whether the session ended with its present user: the user is disabled, or has
// another NotBefore than at the sign-in.
func (s Session) endedWith(u User) bool { return u.Disabled || s.UserNotBefore.Before(u.NotBefore) }

// Void reports whether the session is no longer valid: it ended, by itself or with its user, or
// expired.
func (s Session) Void(u User, now Moment, c Clock) bool {
	return !s.EndedAt.IsZero() || s.endedWith(u) || s.Expired(now, c)
}

// Ended returns when and why a session ended first. The zero Moment: it has not ended.
func (s Session) Ended(u User) (at Moment, reason string) {
	if s.endedWith(u) && (s.EndedAt.IsZero() || u.NotBefore.Before(s.EndedAt)) {
		return u.NotBefore, EndedWithUser
	}
	return s.EndedAt, s.EndedReason
}

// SignedIn is what a server needs for a request of a browser that is signed in.
type SignedIn struct {
	Session Session
	User    User     // without PasswordHash
	Consent *Consent // of the user to the given client; nil: there is none
}

// SessionSeen says that a session was used.
type SessionSeen struct {
	ID            SessionID
	SeenAt        Moment
	IdleExpiresAt Moment // from then on
}

// KeepEnded is how long a session that ended stays, so that an operator can look up the reason.
const KeepEnded = 24 * time.Hour

// Sessions stores the sessions of browsers.
type Sessions interface {
	// CreateSession adds a session, its IdleExpiresAt cut to its ExpiresAt. ErrNotFound if the user
	// was deleted, ErrExists if the ID or the secret is taken.
	CreateSession(ctx context.Context, s Session, by Change) error
	// SessionBySecret returns a session with its user and the user's consent to a client, in one
	// read, or ErrNotFound. It also returns a session that ended or expired: see Session.Void.
	SessionBySecret(ctx context.Context, secret [32]byte, clientID string) (SignedIn, error)
	// RenewSession replaces everything in a session but its ID, user and CreatedAt, above all its
	// secret: each sign-in within a session gives the browser a new one. ErrNotFound if no session
	// has the old secret, ErrConflict if that session has ended, or is not the one that s.ID and
	// s.UserID name.
	RenewSession(ctx context.Context, old [32]byte, s Session, by Change) error
	// SeeSessions moves SeenAt and IdleExpiresAt of sessions that live, and that were not idle for
	// too long before they were seen. Neither moves back, and IdleExpiresAt never moves beyond
	// ExpiresAt. Servers call it in batches, each minute, and never during a request.
	SeeSessions(ctx context.Context, seen []SessionSeen) error
	// EndSession ends a session, and in the same transaction each of its families that is not
	// Offline, and each code. by.Voids is the Void for each such family: the engine fills in its
	// Value, and uses its Reason for the session and the families. ErrNotFound if there is no
	// session. If it has ended before, that is no error and no event. Its clients get a [Delivery]
	// each.
	EndSession(ctx context.Context, id SessionID, by Change) error
}

// SessionAdmin reads all sessions, and ends expired ones.
type SessionAdmin interface {
	// Session returns a session, or ErrNotFound.
	Session(ctx context.Context, id SessionID) (Session, error)
	// ListSessions returns sessions in the order of their IDs.
	ListSessions(ctx context.Context, p SessionPage) ([]Session, error)
	// EndExpiredSessions ends, like EndSession, at most limit sessions that had expired before a
	// moment. It returns their number, 0 if none is left or if another replica does it. by.Voids
	// has the moment and the reason, and no Kind: access tokens live until they expire, because a
	// revocation for each session would make the memory of replicas grow with traffic.
	EndExpiredSessions(ctx context.Context, before Moment, limit int, by Change) (ended int, err error)
}

// SessionPage is a listing of sessions: at most Limit (1 to MaxPage) whose ID sorts after After, of
// a user or, if UserID is "", of all.
type SessionPage struct {
	UserID string
	After  SessionID
	Limit  int
}

// Check returns an error if the limit is out of bounds.
func (p SessionPage) Check() error { return Page{Limit: p.Limit}.Check() }
