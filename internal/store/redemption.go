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
	// ClientNotBefore is the client's NotBefore: a family with an earlier one is revoked.
	ClientNotBefore Moment
	RedirectURI     string // as presented; "": none
	// Challenge is BASE64URL(SHA256(code_verifier)) of the verifier presented (RFC 7636 §4.6); "":
	// none.
	Challenge string
	// Proved are the keys that the request proved, in the form of Family.BoundTo.
	Proved []string
	// Binds is the key to which the family is bound from now on; "": none.
	Binds     string
	Resources []string // asked for (RFC 8707 §2.2); nil: the family's
	Now       Moment
	Clock     Clock         // the clock of Now
	Idle      time.Duration // IdleExpiresAt becomes Now+Idle, at most ExpiresAt
	// Candidates are the resources that the access token may be for: the requested ones, or all
	// that the client may ask for.
	Candidates []Candidate
	// Uses are recorded in the same step if it is Redeemed, and otherwise not.
	Uses []Use
	// Replay is what a replay revokes: the access tokens of the family.
	Replay    Void
	RequestID string // for the audit; the client is the actor
}

// The outcomes that only a Redemption has. They are decided in this order: Unknown, WrongClient,
// Revoked, CodeReplayed, Expired, WrongRedirectURI, WrongVerifier, WrongKey, UsedBefore,
// ResourceExceeded, Unissuable, Redeemed. Every refusal but CodeReplayed changes nothing.
const (
	// CodeReplayed: the code was exchanged before. This call revokes the family, and with it every
	// token from the code (RFC 6749 §4.1.2).
	CodeReplayed Outcome = iota + Rotated + 1
	// WrongRedirectURI: the code was sent to another redirect URI than the one presented.
	WrongRedirectURI
	// WrongVerifier: the code verifier does not belong to the code's challenge, is missing, or came
	// although the code has no challenge.
	WrongVerifier
	// Redeemed: the family moved to generation 1.
	Redeemed
)

// Redemptions exchanges codes.
type Redemptions interface {
	// Redeem decides and redeems in one atomic step, in the order of the outcomes. CodeReplayed
	// makes an event, and so do WrongClient, WrongRedirectURI, WrongVerifier and WrongKey, once for
	// each family and client. Of concurrent redemptions exactly one is Redeemed. The first of the
	// others is CodeReplayed, which also revokes the tokens of the first, and the rest are Revoked.
	// [Families].PutBack undoes it: see Redemption.Rotation.
	Redeem(ctx context.Context, r Redemption) (RotationResult, error)
}

// Rotation returns the redemption for PutBack: a rotation of generation 0.
func (r Redemption) Rotation() Rotation {
	return Rotation{
		ID: r.ID, ClientID: r.ClientID, ClientNotBefore: r.ClientNotBefore, Proved: r.Proved, Binds: r.Binds, Resources: r.Resources,
		Now: r.Now, Clock: r.Clock, Idle: r.Idle, Candidates: r.Candidates, Uses: r.Uses, Reuse: r.Replay, RequestID: r.RequestID,
	}
}

// Decide returns the outcome of a redemption, in the order of the outcomes, from the present family
// and user, and from whether one of the uses was recorded before. An engine that decides in SQL has
// the same result.
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
