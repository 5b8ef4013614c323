package store

import (
	"context"
	"slices"
)

// Use is one use of what is good once: an assertion (RFC 7523 §3, item 7) or a proof of
// possession (RFC 9449 §11.1).
type Use struct {
	Issuer    string   // whose it is: the row of an issuer or a client ([SealedAs]), or "dpop" of all proofs
	ID        [32]byte // the SHA-256 of its "jti", or of itself
	ExpiresAt Moment   // until when the use is remembered
}

// MaxUses bounds the uses of one request: a client's assertion, a proof, and what is
// exchanged for a token.
const MaxUses = 4

// ReplayedError is the error of a step one of whose uses was made before. Nothing of the step
// was done.
type ReplayedError struct {
	Index int // its place among the uses
}

func (*ReplayedError) Error() string { return "it was used before" }

// Repeated returns the place of a use that stands among uses for the second time.
func Repeated(uses []Use) (of int, found bool) {
	for i, u := range uses {
		if slices.ContainsFunc(uses[:i], func(before Use) bool { return before.Issuer == u.Issuer && before.ID == u.ID }) {
			return i, true
		}
	}
	return 0, false
}

// Assertions remembers what was used, so that each is good once across replicas and
// restarts.
type Assertions interface {
	// UseOnce records uses, MaxUses at most: all of them, or none and a [*ReplayedError]. Of
	// any number of calls at once with one use exactly one records it.
	UseOnce(ctx context.Context, uses ...Use) error
}

// AssertionAdmin is what may be known of them without using one up.
type AssertionAdmin interface {
	// AssertionUsed reports whether UseOnce would return a Replayed. It records nothing.
	AssertionUsed(ctx context.Context, issuer string, id [32]byte) (bool, error)
}
