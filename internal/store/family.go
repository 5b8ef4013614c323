package store

import (
	"context"
	"time"

	"authserver/internal/oauth"
)

// KeepRevoked is how long a revoked family is kept, so that the audit can tell
// its refresh tokens from those that never were.
const KeepRevoked = 24 * time.Hour

// FamilyID names a refresh token family: 16 random bytes.
type FamilyID [16]byte

// Family is a line of refresh tokens that descend from one login. It is one row
// for its whole life; the refresh tokens themselves are a function of its ID and
// Generation and are not stored.
type Family struct {
	ID         FamilyID
	ClientID   string
	UserID     string
	Scope      oauth.Scope // as granted; a refresh narrows its own access token only (RFC 6749 §6)
	Resources  []string    // as granted
	Generation uint32      // of the refresh token that is good now; the first is 1
	// BoundTo is the key that the refresh tokens of a public client are bound to:
	// "jkt:" and a JWK thumbprint (RFC 9449 §5), or "x5t#S256:" and the thumbprint of
	// a certificate (RFC 8705 §4); "": none. The first key that it is bound to stays.
	BoundTo   string
	CreatedAt Moment
	// ClientNotBefore and UserNotBefore are the NotBefore of the client and the user
	// as they were read when the family was begun, never zero. Where one has moved on since,
	// the family is void. Comparing what one row said twice needs no two clocks to
	// agree, and a login that was under way meanwhile is void too.
	ClientNotBefore Moment
	UserNotBefore   Moment
	RotatedAt       Moment // zero before the first rotation
	IdleExpiresAt   Moment // moves with every rotation
	ExpiresAt       Moment // never moves
	RevokedAt       Moment // zero while it lives
	// CreatedBy is the clock that wrote ExpiresAt, and RotatedBy the one that wrote
	// RotatedAt and IdleExpiresAt.
	CreatedBy, RotatedBy ClockID
}

// Expired reports whether the family was idle for too long or is at the end of its life,
// when a clock shows now. An IdleExpiresAt that was cut to ExpiresAt says nothing of its
// own, and is not by the clock that cut it.
func (f Family) Expired(now Moment, c Clock) bool {
	idle := f.IdleExpiresAt.Before(f.ExpiresAt) && !c.Least(now, f.RotatedBy).Before(f.IdleExpiresAt)
	return idle || !c.Least(now, f.CreatedBy).Before(f.ExpiresAt)
}

// Void reports whether the family was revoked, or its user or client is not as it was when
// the family was begun: of the client its NotBefore counts.
func (f Family) Void(u User, clientNotBefore Moment) bool {
	return !f.RevokedAt.IsZero() || u.Disabled || f.UserNotBefore.Before(u.NotBefore) || f.ClientNotBefore.Before(At(clientNotBefore))
}

// Rotation asks to exchange one generation of a family for the next.
type Rotation struct {
	ID         FamilyID
	Generation uint32 // of the refresh token presented
	ClientID   string // the client that presents it
	// ClientNotBefore is the client's NotBefore: a family that knows an earlier one
	// is void.
	ClientNotBefore Moment
	// Proved is the keys that the request proved to hold, as Family.BoundTo names one.
	Proved []string
	// Binds is the key that the family is bound to from now on where it is bound to none;
	// "": it stays so.
	Binds     string
	Scope     oauth.Scope // asked for; nil: the family's
	Resources []string    // asked for; nil: the family's
	Now       Moment
	Clock     Clock         // that shows Now
	Grace     time.Duration // how long the generation before may be presented again; 0: it may not
	Idle      time.Duration // IdleExpiresAt becomes Now+Idle, at most ExpiresAt
	// Uses are recorded in the same step where it is Rotated or Graced, and else not.
	Uses []Use
	// Reuse is what a reuse makes void: the access tokens of the family.
	Reuse Void
}

// Outcome is what became of a Rotation.
type Outcome int

// The outcomes, in the order in which they are decided.
const (
	// Unknown: there is no such family.
	Unknown Outcome = iota
	// WrongClient: the family belongs to another client. It lives on.
	WrongClient
	// WrongKey: the family is bound to a key, and that is none of those that the request
	// proved to hold. Nothing moved; it lives on.
	WrongKey
	// Revoked: the family was revoked before, its client's or user's NotBefore
	// voids it, or its user is disabled or gone.
	Revoked
	// Expired: idle for too long, or at the end of its life.
	Expired
	// UsedBefore: one of the uses was made before. Nothing moved: a request that comes
	// a second time as it was is no theft.
	UsedBefore
	// Reused: a generation that was already exchanged, and not within the grace.
	// The family and its access tokens are revoked by this very call.
	Reused
	// ScopeExceeded: more scope was asked for than was granted. Nothing moved.
	ScopeExceeded
	// ResourceExceeded: another resource was asked for than was granted. Nothing moved.
	ResourceExceeded
	// Graced: the generation before, within the grace: the answer is the successor
	// that was made then. Nothing moved.
	Graced
	// Rotated: the family moved to Rotation.Generation+1.
	Rotated
)

// String names the outcome in a word.
func (o Outcome) String() string {
	switch o {
	case Unknown:
		return "unknown"
	case WrongClient:
		return "wrong_client"
	case WrongKey:
		return "wrong_key"
	case Revoked:
		return "revoked"
	case Expired:
		return "expired"
	case UsedBefore:
		return "used_before"
	case Reused:
		return "reused"
	case ScopeExceeded:
		return "scope_exceeded"
	case ResourceExceeded:
		return "resource_exceeded"
	case Graced:
		return "graced"
	case Rotated:
		return "rotated"
	}
	return "other"
}

// RotationResult is the answer to a Rotation.
type RotationResult struct {
	Outcome Outcome
	Replay  int // with UsedBefore: the place of that use
	// Family as it is now; zero for Unknown. The refresh token to answer with has
	// its Generation.
	Family Family
	// User without PasswordHash; zero unless Graced or Rotated.
	User User
}

// Families keeps refresh token families. A create or a rotation tells no
// watchers: their number grows with traffic.
type Families interface {
	// CreateFamily adds a family, its IdleExpiresAt cut to its ExpiresAt, and records
	// uses in the same step, as [Assertions].UseOnce does. ErrNotFound where the user is
	// gone, ErrExists where the ID is taken.
	CreateFamily(ctx context.Context, f Family, uses ...Use) error
	// Family returns a family, or ErrNotFound.
	Family(ctx context.Context, id FamilyID) (Family, error)
	// Rotate decides and moves in one atomic step, in the order of the outcomes.
	// Of any number of rotations of one generation at once exactly one is Rotated,
	// and the others are Graced or Reused. A generation ahead of the row's is one
	// that this server signed and whose commit was lost in a failover or a restore:
	// it is Rotated, from where it stands.
	Rotate(ctx context.Context, r Rotation) (RotationResult, error)
	// LastIdleExpiry returns the latest IdleExpiresAt of the families that are not
	// revoked, zero where there is none. It looks at every row.
	LastIdleExpiry(ctx context.Context) (Moment, error)
	// RevokeFamily ends a family and records the revocation of its access tokens in
	// the same transaction. Revoking a revoked family, or none, is no error.
	RevokeFamily(ctx context.Context, id FamilyID, voids Void) error
}
