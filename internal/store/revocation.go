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

// Void says which access tokens that have not expired yet are void from now on (RFC
// 7009). The engine records it, and what else changes with it in the same transaction,
// as a [Revocation]. Only tokens.Revoker makes one.
type Void struct {
	Kind  RevocationKind
	Value string
	// Before: of a user or client, tokens issued under an earlier NotBefore are void.
	// A token or a family is void whatever it says: it has no life after.
	Before Moment
	// One of these says how long it is kept.
	//
	// IssuedUntil is until when a server may issue a token that it voids. The last of them
	// has expired the longest MaxTokenTTL later that any server has promised
	// ([LifetimePromises]), by whatever clocks: the engine looks in the transaction that
	// records the Void, and no server promises another meanwhile. So one that may issue
	// tokens that live longer has read what this transaction changed.
	IssuedUntil Moment
	// Until is when the token that it voids has expired, by whatever clock.
	Until  Moment
	Reason string // slug for the audit, such as "refresh_reused"
}

// Revocation is a Void that was recorded. Several of one Kind and Value are one.
type Revocation struct {
	Kind      RevocationKind
	Value     string
	Before    Moment // see [Void]
	ExpiresAt Moment // no token that it voids is good any longer, so it can be forgotten
	Reason    string // of the one that made it grow last
}

// Cursor marks how far a reader of revocations, or of families, has come. The zero Cursor is the
// beginning. Its value means something to the engine alone, and to the same
// database alone.
type Cursor string

// Revocations keeps what is void until it would have expired anyway. Every
// addition tells the watchers of TopicRevocations.
type Revocations interface {
	// Revoke records what the change voids. A revocation with the same Kind and Value is replaced
	// where the new one has a later Before or ExpiresAt: both only ever grow. A
	// token that was revoked before, or that its own client revokes, is no event.
	Revoke(ctx context.Context, by Change) error
	// RevocationsAfter returns at most limit revocations that were recorded after
	// the cursor and expire after now, and the cursor to go on from; an empty
	// answer means that there are no more for now. It may return one twice but never
	// passes over one whose transaction committed late.
	RevocationsAfter(ctx context.Context, after Cursor, now Moment, limit int) ([]Revocation, Cursor, error)
}
