package store

import "context"

// RevocationKind is the kind of object that a Revocation names.
type RevocationKind string

// What can be revoked.
const (
	RevokedToken  RevocationKind = "jti"    // Value is a "jti"
	RevokedFamily RevocationKind = "family" // Value is a FamilyID in lower-case hex
	RevokedUser   RevocationKind = "user"   // Value is a user's id, the claim "sub"
	RevokedClient RevocationKind = "client" // Value is a "client_id"
)

// Void names the access tokens that are revoked from now on, before they expire (RFC 7009). The
// engine records it as a [Revocation], in the transaction of the change that it belongs to. Only
// tokens.Revoker makes one.
type Void struct {
	Kind  RevocationKind
	Value string
	// Before applies to a user or client: tokens issued under an earlier NotBefore are revoked. A
	// token or a family is revoked whatever Before is.
	Before Moment
	// One of these says how long it is kept.
	//
	// IssuedUntil is until when a server may still issue a token that is covered. The last of them
	// has expired after the longest MaxTokenTTL that any server has promised ([LifetimePromises]),
	// by whatever clocks. The engine reads that in the transaction that records the Void, and no
	// server makes another promise meanwhile: a server that may issue longer tokens has read what
	// this transaction changed.
	IssuedUntil Moment
	// Until is when the revoked token has expired, by any clock.
	Until  Moment
	Reason string // slug for the audit, such as "refresh_reused"
}

// Revocation is a Void that was recorded. Several of one Kind and Value are one.
type Revocation struct {
	Kind      RevocationKind
	Value     string
	Before    Moment // see [Void]
	ExpiresAt Moment // every covered token has expired by then, so the row can be removed
	Reason    string // that of the last Void that extended it
}

// Cursor marks the position of a reader of revocations or families. The zero Cursor is the
// beginning. Its value has a meaning only for the engine and the same database.
type Cursor string

// Revocations stores revocations until the tokens have expired. Every addition notifies the
// watchers of TopicRevocations.
type Revocations interface {
	// Revoke records a Void by itself. It replaces a revocation with the same Kind and Value if the
	// new one has a later Before or ExpiresAt: both only grow. It makes no event, because a client
	// that revokes its own access token is as ordinary as one that is issued.
	Revoke(ctx context.Context, v Void) error
	// RevocationsAfter returns at most limit revocations that were recorded after the cursor and
	// expire after now, and the next cursor; an empty answer means that there are no more for now.
	// It may return one twice, but never misses one whose transaction committed late.
	RevocationsAfter(ctx context.Context, after Cursor, now Moment, limit int) ([]Revocation, Cursor, error)
}
