package store

import (
	"context"
	"slices"
)

// Redemption asks to exchange an authorization code, which is generation 0 of a family, for
// tokens: the family moves to generation 1.
type Redemption struct {
	Exchange
	RedirectURI string // as presented; "": none
	// Challenge is BASE64URL(SHA256(code_verifier)) of the verifier presented (RFC 7636 §4.6); "":
	// none.
	Challenge string
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
func (r Redemption) Rotation() Rotation { return Rotation{Exchange: r.Exchange} }

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
