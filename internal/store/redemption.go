package store

import (
	"context"
	"slices"
	"time"
)

// Redemption asks to exchange an authorization code, which is generation 0 of a family, for
// tokens: the family moves to generation 1.
type Redemption struct {
	ID       FamilyID
	ClientID string // the client that presents it
	// ClientNotBefore is the client's NotBefore: a family that knows an earlier one is void.
	ClientNotBefore Moment
	RedirectURI     string // as presented; "": none was
	// Challenge is BASE64URL(SHA256(code_verifier)) of the verifier presented (RFC 7636 §4.6);
	// "": none was.
	Challenge string
	// Proved is the keys that the request proved to hold, as Family.BoundTo names one.
	Proved []string
	// Binds is the key that the family is bound to from now on; "": none.
	Binds     string
	Resources []string // asked for (RFC 8707 §2.2); nil: the family's
	Now       Moment
	Clock     Clock         // that shows Now
	Idle      time.Duration // IdleExpiresAt becomes Now+Idle, at most ExpiresAt
	// Candidates are the resources that the access token may be for: those asked for, or
	// all that the client may ask for.
	Candidates []Candidate
	// Uses are recorded in the same step where it is Redeemed, and else not.
	Uses []Use
	// Replay is what a replay makes void: the access tokens of the family.
	Replay    Void
	RequestID string // for the audit, where the client is the actor
}

// The outcomes of a Redemption that a Rotation has not. They are decided in this order:
// Unknown, WrongClient, Revoked, CodeReplayed, Expired, WrongRedirectURI, WrongVerifier,
// WrongKey, UsedBefore, ResourceExceeded, Unissuable, Redeemed. Every refusal but
// CodeReplayed moves nothing.
const (
	// CodeReplayed: the code was exchanged before. The family, and with it every token that
	// was made from the code, is revoked by this very call (RFC 6749 §4.1.2).
	CodeReplayed Outcome = iota + Rotated + 1
	// WrongRedirectURI: the code was sent to another redirect URI than the one presented.
	WrongRedirectURI
	// WrongVerifier: the code verifier is not that of the code's challenge, is missing, or
	// came where the code has no challenge.
	WrongVerifier
	// Redeemed: the family moved to generation 1.
	Redeemed
)

// Redemptions exchanges codes.
type Redemptions interface {
	// Redeem decides and moves in one atomic step, in the order of the outcomes.
	// CodeReplayed, and once for each family and client WrongClient, WrongRedirectURI, WrongVerifier and
	// WrongKey, are events. Of any number of redemptions at once exactly one is Redeemed. The
	// first of the others is CodeReplayed, which makes void what the one was given too,
	// and the rest are Revoked. [Families].PutBack undoes it: see Redemption.Rotation.
	Redeem(ctx context.Context, r Redemption) (RotationResult, error)
}

// Rotation is the redemption as PutBack takes it: a rotation of generation 0.
func (r Redemption) Rotation() Rotation {
	return Rotation{
		ID: r.ID, ClientID: r.ClientID, ClientNotBefore: r.ClientNotBefore, Proved: r.Proved, Binds: r.Binds, Resources: r.Resources,
		Now: r.Now, Clock: r.Clock, Idle: r.Idle, Candidates: r.Candidates, Uses: r.Uses, Reuse: r.Replay, RequestID: r.RequestID,
	}
}

// Decide says what a redemption comes to, in the order of the outcomes: of a family and its
// user as they are now, and whether one of the uses was made before. An engine that decides
// in SQL says the same.
func (r Redemption) Decide(f Family, u User, usedBefore bool) Outcome {
	switch {
	case f.ClientID != r.ClientID:
		return WrongClient
	case f.Void(u, r.ClientNotBefore):
		return Revoked
	case f.Generation > 0:
		return CodeReplayed
	case f.Expired(At(r.Now), r.Clock):
		return Expired
	case f.Code.RedirectURI != "" && f.Code.RedirectURI != r.RedirectURI:
		return WrongRedirectURI
	case f.Code.Challenge != r.Challenge:
		return WrongVerifier
	case f.Code.JKT != "" && !slices.Contains(r.Proved, BoundToJKT+f.Code.JKT):
		return WrongKey
	case usedBefore:
		return UsedBefore
	case exceeds(r.Resources, f.Resources):
		return ResourceExceeded
	case !r.Rotation().Issuable(f):
		return Unissuable
	}
	return Redeemed
}
