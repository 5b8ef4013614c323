package store

import "context"

// Assertions remembers which assertions were used, so that each is good once
// across replicas and restarts (RFC 7523 §3, item 7). "issuer" may be any
// namespace of what is good once, such as the identifier of a client or "dpop".
type Assertions interface {
	// UseAssertion records that the assertion named by its issuer and by the
	// SHA-256 of its "jti" (or of itself) was used, and returns ErrExists where it
	// was used before. It is remembered until expiresAt.
	UseAssertion(ctx context.Context, issuer string, id [32]byte, expiresAt Moment) error
}

// AssertionAdmin is what an administrator may know of them.
type AssertionAdmin interface {
	// AssertionUsed reports whether UseAssertion would return ErrExists. It records
	// nothing.
	AssertionUsed(ctx context.Context, issuer string, id [32]byte) (bool, error)
}
