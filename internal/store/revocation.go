package store

import "context"

// RevocationKind says what a Revocation names.
type RevocationKind string

// What can be revoked.
const (
	RevokedToken  RevocationKind = "jti"    // Value is a "jti"
	RevokedFamily RevocationKind = "family" // Value is a FamilyID in lower-case hex
	RevokedUser   RevocationKind = "user"   // Value is a user's id, the claim "sub"
	RevokedClient RevocationKind = "client" // Value is a "client_id"
)

// Revocation voids access tokens that have not expired yet (RFC 7009).
type Revocation struct {
	Kind  RevocationKind
	Value string
	// Before: of a user or client, tokens issued under an earlier NotBefore are void.
	// A token or a family is void whatever it says: it has no life after.
	Before Moment
	// ExpiresAt: no token that it voids is good any longer, so it can be forgotten.
	ExpiresAt Moment
	Reason    string // slug for the audit, such as "refresh_reused"
}

// Cursor marks how far a reader of revocations has come. The zero Cursor is the
// beginning. Its value means something to the engine alone, and to the same
// database alone.
type Cursor string

// Revocations keeps what is void until it would have expired anyway. Every
// addition tells the watchers of TopicRevocations.
type Revocations interface {
	// Revoke records a revocation. One with the same Kind and Value is replaced
	// where the new one has a later Before or ExpiresAt: both only ever grow.
	Revoke(ctx context.Context, r Revocation) error
	// RevocationsAfter returns at most limit revocations that were recorded after
	// the cursor and expire after now, and the cursor to go on from; an empty
	// answer means that there are no more for now. It may return one twice but never
	// passes over one whose transaction committed late.
	RevocationsAfter(ctx context.Context, after Cursor, now Moment, limit int) ([]Revocation, Cursor, error)
}
