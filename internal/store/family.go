package store

import (
	"context"
	"time"

	"authserver/internal/oauth"
)

// KeepRevoked is how long a revoked family stays, so that the server can tell its refresh tokens
// from unknown ones.
const KeepRevoked = 24 * time.Hour

// Family is a line of refresh tokens that descend from one login. It is one row
// for its whole life; the refresh tokens themselves are a function of its ID and
// Generation and are not stored.
type Family struct {
	ID         FamilyID
	ClientID   string
	UserID     string
	Scope      oauth.Scope // as granted; a refresh narrows its own access token only (RFC 6749 §6)
	Resources  []string    // as granted
	Generation uint32      // of the valid refresh token; the first is 1, and 0 is an authorization code
	// BoundTo is the key that the refresh tokens of a public client are bound to: BoundToJKT and a
	// JWK thumbprint (RFC 9449 §5), or BoundToX5T and the thumbprint of a certificate (RFC 8705
	// §4); "": none. The first key stays.
	BoundTo   string
	SessionID SessionID // the session of the sign-in; zero: none
	Offline   bool      // once its code was exchanged, it does not end with its session (OIDC Core §11)
	Login     Login
	Code      Code // zero except for generation 0
	CreatedAt Moment
	// ClientNotBefore and UserNotBefore are the NotBefore of the client and the user when the
	// family began, never zero. If one has moved on since, the family is revoked. This compares two
	// reads of one row, so clocks need not agree, and it also covers a login that was under way
	// during the change.
	ClientNotBefore Moment
	UserNotBefore   Moment
	RotatedAt       Moment // zero before the first rotation
	IdleExpiresAt   Moment // moves with every rotation; for generation 0: when the code expires
	ExpiresAt       Moment // never moves
	RevokedAt       Moment // zero while it lives
	RevokedReason   string // slug for the audit, such as "refresh_reused"; "" while it lives
	// CreatedBy is the clock that wrote ExpiresAt, and RotatedBy the one that wrote
	// RotatedAt and IdleExpiresAt.
	CreatedBy, RotatedBy ClockID
}

// The prefixes of Family.BoundTo.
const (
	BoundToJKT = "jkt:"
	BoundToX5T = "x5t#S256:"
)

// Expired reports whether the family was idle for too long or has reached ExpiresAt, when a clock
// shows now. An IdleExpiresAt that equals ExpiresAt counts as a moment of the clock that wrote
// ExpiresAt.
func (f Family) Expired(now Moment, c Clock) bool {
	idle := f.IdleExpiresAt.Before(f.ExpiresAt) && !c.Earliest(now, f.RotatedBy).Before(f.IdleExpiresAt)
	return idle || !c.Earliest(now, f.CreatedBy).Before(f.ExpiresAt)
}

// Void reports whether the family was revoked, directly or by a change of the NotBefore of its user
// or client since it began, or because its user is disabled.
func (f Family) Void(u User, clientNotBefore Moment) bool {
	return !f.RevokedAt.IsZero() || u.Disabled || f.UserNotBefore.Before(u.NotBefore) || f.ClientNotBefore.Before(At(clientNotBefore))
}

// Families stores refresh token families. A create or a rotation notifies no watchers, because
// their number grows with traffic.
type Families interface {
	// CreateFamily adds a family, its IdleExpiresAt cut to its ExpiresAt, and records uses in the
	// same step, as [Assertions].UseOnce does. ErrNotFound if the user was deleted, or the session
	// was deleted or has ended. ErrExists if the ID is taken.
	CreateFamily(ctx context.Context, f Family, uses ...Use) error
	// Family returns a family, or ErrNotFound.
	Family(ctx context.Context, id FamilyID) (Family, error)
	// ListFamilies returns families in the order of their IDs.
	ListFamilies(ctx context.Context, p FamilyPage) ([]Family, error)
	// Rotate decides and rotates in one atomic step, in the order of the outcomes. Reused makes an
	// event, and so do WrongClient and WrongKey, once for each family and client. Of concurrent
	// rotations of one generation exactly one is Rotated, and the others are Graced or Reused. A
	// generation ahead of the row's was signed by this server, and its commit was lost in a
	// failover or a restore: it is Rotated from its own generation, even if the row is a code that
	// was never exchanged.
	Rotate(ctx context.Context, r Rotation) (RotationResult, error)
	// PutBack undoes a Rotate whose answer was not given, so that the refresh token is valid as
	// before. was is the outcome of Rotate, or Unknown. The family goes back if it is still in the
	// state of this rotation, and the rotation's uses are deleted with it; for Graced only the uses
	// are deleted. It is no error if the rotation did not happen, or if the family was used since.
	// A client that got the successor all the same has a generation that is ahead, which is valid.
	PutBack(ctx context.Context, r Rotation, was Outcome) error
}

// FamilyAdmin reads all families, and revokes one.
type FamilyAdmin interface {
	// LastIdleExpiry reads the families after the cursor, at most limit of them (1 to MaxPage), and
	// returns the latest IdleExpiresAt of those that are not revoked, or the one that PutBack would
	// restore if that is later; zero: there is none. next is the next cursor; "": these were the
	// last. Reading all families takes many short calls. A family that changes behind the cursor in
	// the meantime is not read again.
	LastIdleExpiry(ctx context.Context, after Cursor, limit int) (last Moment, next Cursor, err error)
	// RevokeFamily revokes a family. The change has to revoke its access tokens. For a family that
	// is revoked already, or does not exist, it is no error and records no event.
	RevokeFamily(ctx context.Context, id FamilyID, by Change) error
}
