package store

import (
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
	at := c.Least(At(now), 0)
	return !at.Before(s.IdleExpiresAt) || !at.Before(s.ExpiresAt)
}

// Void reports whether nobody is signed in by the session any more: it ended or expired, or
// its user, as they are now, is disabled or not as they were at the sign-in.
func (s Session) Void(u User, now Moment, c Clock) bool {
	return !s.EndedAt.IsZero() || u.Disabled || s.UserNotBefore.Before(u.NotBefore) || s.Expired(now, c)
}

// SessionSeen says that a session was used.
type SessionSeen struct {
	ID            SessionID
	SeenAt        Moment
	IdleExpiresAt Moment
}

// KeepEnded is how long a session that ended is kept, so that the person and the audit can
// be told why.
const KeepEnded = 24 * time.Hour

// SessionPage is a listing of sessions: at most Limit (1 to MaxPage) whose ID sorts after
// After, of a user or, where UserID is "", of all.
type SessionPage struct {
	UserID string
	After  SessionID
	Limit  int
}

// Check returns an error where the limit is out of bounds.
func (p SessionPage) Check() error { return Page{Limit: p.Limit}.Check() }
