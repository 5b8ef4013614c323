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
	Generation uint32      // of the refresh token that is good now; the first is 1, and 0 is an authorization code
	// BoundTo is the key that the refresh tokens of a public client are bound to:
	// BoundToJKT and a JWK thumbprint (RFC 9449 §5), or BoundToX5T and the thumbprint of
	// a certificate (RFC 8705 §4); "": none. The first key that it is bound to stays.
	BoundTo   string
	SessionID SessionID // that the user signed in by; zero: none
	Offline   bool      // once its code was exchanged it lives on when its session ends (OIDC Core §11)
	Login     Login
	Code      Code // zero but for generation 0
	CreatedAt Moment
	// ClientNotBefore and UserNotBefore are the NotBefore of the client and the user
	// as they were read when the family was begun, never zero. Where one has moved on since,
	// the family is void. Comparing what one row said twice needs no two clocks to
	// agree, and a login that was under way meanwhile is void too.
	ClientNotBefore Moment
	UserNotBefore   Moment
	RotatedAt       Moment // zero before the first rotation
	IdleExpiresAt   Moment // moves with every rotation; of generation 0: when the code expires
	ExpiresAt       Moment // never moves
	RevokedAt       Moment // zero while it lives
	RevokedReason   string // slug for the audit, such as "refresh_reused"; "" while it lives
	// CreatedBy is the clock that wrote ExpiresAt, and RotatedBy the one that wrote
	// RotatedAt and IdleExpiresAt.
	CreatedBy, RotatedBy ClockID
}

// What Family.BoundTo begins with.
const (
	BoundToJKT = "jkt:"
	BoundToX5T = "x5t#S256:"
)

// Expired reports whether the family was idle for too long or is at the end of its life,
// when a clock shows now. An IdleExpiresAt that was cut to ExpiresAt says nothing of its
// own, and is not by the clock that cut it.
func (f Family) Expired(now Moment, c Clock) bool {
	idle := f.IdleExpiresAt.Before(f.ExpiresAt) && !c.Earliest(now, f.RotatedBy).Before(f.IdleExpiresAt)
	return idle || !c.Earliest(now, f.CreatedBy).Before(f.ExpiresAt)
}

// Void reports whether the family was revoked, or its user or client is not as it was when
// the family was begun: of the client its NotBefore counts.
func (f Family) Void(u User, clientNotBefore Moment) bool {
	return !f.RevokedAt.IsZero() || u.Disabled || f.UserNotBefore.Before(u.NotBefore) || f.ClientNotBefore.Before(At(clientNotBefore))
}

// Families keeps refresh token families. A create or a rotation tells no
// watchers: their number grows with traffic.
type Families interface {
	// CreateFamily adds a family, its IdleExpiresAt cut to its ExpiresAt, and records
	// uses in the same step, as [Assertions].UseOnce does. ErrNotFound where the user is
	// gone, or the session that it names is gone or ended, ErrExists where the ID is taken.
	CreateFamily(ctx context.Context, f Family, uses ...Use) error
	// Family returns a family, or ErrNotFound.
	Family(ctx context.Context, id FamilyID) (Family, error)
	// ListFamilies returns families in the order of their IDs.
	ListFamilies(ctx context.Context, p FamilyPage) ([]Family, error)
	// Rotate decides and moves in one atomic step, in the order of the outcomes. Reused,
	// and once for each family and client WrongClient and WrongKey, are events.
	// Of any number of rotations of one generation at once exactly one is Rotated,
	// and the others are Graced or Reused. A generation ahead of the row's is one
	// that this server signed and whose commit was lost in a failover or a restore:
	// it is Rotated, from where it stands, be that a code that was never exchanged.
	Rotate(ctx context.Context, r Rotation) (RotationResult, error)
	// PutBack undoes a Rotate whose answer was not given, so that the refresh token is as
	// good as it was before. was is what Rotate came to, Unknown where that is not known.
	// The family goes back where it is still as this rotation left it, and the rotation's
	// uses are forgotten with it; of one that was Graced they are all that there is to
	// forget. To put back what did not happen, or what was used since, is no error. A
	// client that got the successor all the same has a generation that is ahead, which is
	// good.
	PutBack(ctx context.Context, r Rotation, was Outcome) error
}

// FamilyAdmin looks after all families, and ends one.
type FamilyAdmin interface {
	// LastIdleExpiry looks at the families after the cursor, at most limit of them (1 to
	// MaxPage), and returns the latest IdleExpiresAt of those that are not revoked, or the
	// one that PutBack would give back where that is later; zero where there is none. next
	// is the cursor to go on from, "" where these were the last. To look at all of them
	// takes many calls, and each is short. A family that is changed meanwhile behind the
	// cursor is not looked at again.
	LastIdleExpiry(ctx context.Context, after Cursor, limit int) (last Moment, next Cursor, err error)
	// RevokeFamily ends a family. The change has to void its access tokens. Revoking a
	// revoked family, or none, is no error, and no event.
	RevokeFamily(ctx context.Context, id FamilyID, by Change) error
}
