package store

import (
	"context"
	"slices"
)

// Use is the use of something that is accepted once: an assertion (RFC 7523 §3, item 7), a DPoP
// proof (RFC 9449 §11.1) or a pushed request.
type Use struct {
	Issuer    string   // its namespace: the row of an issuer or a client ([SealedAs]), [ProofUses] or [PushedUses]
	ID        [32]byte // the SHA-256 of its "jti", or of itself
	ExpiresAt Moment   // the use is stored until then
}

// The namespaces of uses that no issuer and no client has to itself.
const (
	ProofUses  = "dpop" // of DPoP proofs
	PushedUses = "par"  // of pushed requests
)

// ReplayedError says that one of the uses of a step was recorded before. Nothing of the step was
// done.
type ReplayedError struct {
	Index int // its index among the uses
}

func (*ReplayedError) Error() string { return "it was used before" }

// Repeated returns the index of a use that appears for the second time.
func Repeated(uses []Use) (of int, found bool) {
	for i, u := range uses {
		if slices.ContainsFunc(uses[:i], func(before Use) bool { return before.Issuer == u.Issuer && before.ID == u.ID }) {
			return i, true
		}
	}
	return 0, false
}

// Assertions records uses, so that each is accepted once across replicas and restarts.
type Assertions interface {
	// UseOnce records uses: all of them, or none and a [*ReplayedError]. Of concurrent calls with
	// the same use exactly one succeeds.
	UseOnce(ctx context.Context, uses ...Use) error
}

// AssertionAdmin reads uses without recording one.
type AssertionAdmin interface {
	// AssertionUsed reports whether UseOnce would return a ReplayedError. It records nothing.
	AssertionUsed(ctx context.Context, issuer string, id [32]byte) (bool, error)
}
