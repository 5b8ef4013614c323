package store

import (
	"slices"
	"time"

	"authserver/internal/oauth"
)

// Exchange is what a Rotation and a Redemption have in common: the client presents a refresh token
// or a code of a family, and asks for tokens.
type Exchange struct {
	ID       FamilyID
	ClientID string // the client that presents it
	// ClientNotBefore is the client's NotBefore: a family with an earlier one is revoked.
	ClientNotBefore Moment
	// Proved are the keys that the request proved, in the form of Family.BoundTo.
	Proved []string
	// Binds is the key to which an unbound family is bound from now on; "": it stays unbound.
	Binds     string
	Resources []string // asked for (RFC 8707 §2.2); nil: the family's
	Now       Moment
	Clock     Clock         // the clock of Now
	Idle      time.Duration // IdleExpiresAt becomes Now+Idle, at most ExpiresAt
	// Candidates are the resources that the access token may be for: the requested ones, or all
	// that the client may ask for.
	Candidates []Candidate
	// Uses are recorded in the same step if the outcome is a token, and otherwise not.
	Uses []Use
	// Voids is what a second use revokes: the access tokens of the family.
	Voids     Void
	RequestID string // for the audit; the client is the actor
}

// Rotation asks to exchange one generation of a family for the next.
type Rotation struct {
	Exchange
	Generation uint32        // of the refresh token presented
	Keep       bool          // the refresh token presented stays the newest, and stays valid
	Scope      oauth.Scope   // asked for; nil: the family's
	Grace      time.Duration // how long the generation before may be presented again; 0: it may not
}

// Next returns the generation that the family moves to.
func (r Rotation) Next() uint32 {
	if r.Keep {
		return r.Generation
	}
	return r.Generation + 1
}

// Candidate is a resource that an access token may be for, with what a rotation has to know about
// it.
type Candidate struct {
	Resource string
	// Kind is equal for resources that can share an access token. If it is negative, no token can
	// be made for the resource now.
	Kind  int
	Scope oauth.Scope // the part of Rotation.Scope that the resource knows
}

// Issuable reports whether an access token can be made for the grant of the family: it contains at
// least one of the candidates, all of these can share a token, and together they know the requested
// scope.
func (r Rotation) Issuable(f Family) bool {
	var of []Candidate
	for _, c := range r.Candidates {
		if slices.Contains(f.Resources, c.Resource) {
			of = append(of, c)
		}
	}
	apart := func(c Candidate) bool { return c.Kind < 0 || c.Kind != of[0].Kind }
	unknown := func(asked string) bool {
		return !slices.ContainsFunc(of, func(c Candidate) bool { return c.Scope.Has(asked) })
	}
	return len(of) > 0 && !slices.ContainsFunc(of, apart) && !slices.ContainsFunc(r.Scope, unknown)
}

// Outcome is the outcome of a Rotation or a Redemption.
type Outcome int

// The outcomes, in the order in which they are decided.
const (
	// Unknown: there is no such family.
	Unknown Outcome = iota
	// WrongClient: the family belongs to another client. It lives on.
	WrongClient
	// WrongKey: the family is bound to a key that the request did not prove. Nothing changed; it
	// lives on.
	WrongKey
	// Revoked: the family was revoked before, its client's or user's NotBefore voids it, or its
	// user is disabled or deleted.
	Revoked
	// Expired: the family was idle for too long, or reached its maximum age.
	Expired
	// UsedBefore: one of the uses was recorded before. Nothing changed: an identical copy of a
	// request is no theft.
	UsedBefore
	// Reused: the generation was exchanged before, and the grace is over. This call revokes the
	// family and its access tokens.
	Reused
	// ScopeExceeded: the request asks for more scope than was granted. Nothing changed.
	ScopeExceeded
	// ResourceExceeded: the request asks for a resource that was not granted. Nothing changed.
	ResourceExceeded
	// Unissuable: no access token can be made for the grant and the request: see Rotation.Issuable.
	// Nothing changed.
	Unissuable
	// Graced: the previous generation, within the grace: the answer is the same successor again.
	// Nothing changed.
	Graced
	// Rotated: the family moved to Rotation.Next.
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
	case Unissuable:
		return "unissuable"
	case Graced:
		return "graced"
	case Rotated:
		return "rotated"
	case CodeReplayed:
		return "replayed"
	case WrongRedirectURI:
		return "wrong_redirect_uri"
	case WrongVerifier:
		return "wrong_verifier"
	case Redeemed:
		return "redeemed"
	}
	return "other"
}

// RotationResult is the answer to a Rotation or to a Redemption.
type RotationResult struct {
	Outcome Outcome
	Replay  int // with UsedBefore: the index of that use
	// Family as it is now; zero for Unknown. The refresh token to answer with has
	// its Generation.
	Family Family
	// User without PasswordHash; zero for Unknown.
	User User
}
