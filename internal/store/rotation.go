package store

import (
	"slices"
	"time"

	"authserver/internal/oauth"
)

// Rotation asks to exchange one generation of a family for the next.
type Rotation struct {
	ID         FamilyID
	Generation uint32 // of the refresh token presented
	Keep       bool   // the refresh token presented stays the newest, and is good again
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
	// Candidates are the resources that the access token may be for: those asked for, or
	// all that the client may ask for.
	Candidates []Candidate
	// Uses are recorded in the same step where it is Rotated or Graced, and else not.
	Uses []Use
	// Reuse is what a reuse makes void: the access tokens of the family.
	Reuse     Void
	RequestID string // for the audit, where the client is the actor
}

// Next returns the generation that the family moves to.
func (r Rotation) Next() uint32 {
	if r.Keep {
		return r.Generation
	}
	return r.Generation + 1
}

// Candidate is a resource that an access token may be for, as far as a rotation has to
// know it.
type Candidate struct {
	Resource string
	// Kind tells resources apart that cannot share an access token. A negative one says
	// that none can be made for the resource just now.
	Kind  int
	Scope oauth.Scope // what the resource knows of Rotation.Scope
}

// Issuable reports whether an access token can be made for what the family was granted:
// at least one of the candidates is of it, all of those can share a token, and together
// they know the scope that is asked for.
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

// Outcome is what became of a Rotation or of a Redemption.
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
	// Unissuable: no access token can be made for what was granted and asked for: see
	// Rotation.Issuable. Nothing moved.
	Unissuable
	// Graced: the generation before, within the grace: the answer is the successor
	// that was made then. Nothing moved.
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
	Replay  int // with UsedBefore: the place of that use
	// Family as it is now; zero for Unknown. The refresh token to answer with has
	// its Generation.
	Family Family
	// User without PasswordHash; zero for Unknown.
	User User
}
