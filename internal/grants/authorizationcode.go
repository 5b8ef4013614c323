package grants

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"time"

	"authserver/internal/oauth"
	"authserver/internal/store"
	"authserver/internal/tokens"
)

// AuthorizationCode is the grant for the code of a sign-in (RFC 6749 §4.1.3). The code is
// generation 0 of a family, and exchanging it is a rotation to generation 1 without a grace.
type AuthorizationCode struct {
	Rotating
	Families interface {
		Redeem(ctx context.Context, r store.Redemption) (store.RotationResult, error)
	}
	Codes *tokens.CodeCodec
}

// Type implements [Grant].
func (*AuthorizationCode) Type() oauth.GrantType { return oauth.AuthorizationCode }

// NeedsClient implements [Grant].
func (*AuthorizationCode) NeedsClient() bool { return true }

// Exchange implements [Grant]. A code that was exchanged before ends everything that came from it.
func (g *AuthorizationCode) Exchange(ctx context.Context, r Request) (Answer, error) {
	if !r.Form.Has("code") {
		return Answer{}, oauth.Fail(oauth.InvalidRequest, "code_missing", "code is required")
	}
	challenge, err := challengeOf(r.Form.Get("code_verifier"))
	if err != nil {
		return Answer{}, err
	}
	id, err := g.Codes.Decode(r.Form.Get("code"))
	if err != nil {
		return Answer{Outcome: forged}, refuseCode("code_forged").Because(err)
	}
	redemption, plan, err := g.plan(ctx, r, id, challenge)
	if err != nil {
		return Answer{About: tokens.About{Family: id}}, err
	}
	a, _, err := g.exchange(ctx, r, plan, move{
		presented: "the authorization code",
		store: func(ctx context.Context) (store.RotationResult, error) {
			return g.Families.Redeem(ctx, redemption)
		},
		refuse: func(moved store.RotationResult) *oauth.Error { return refuseRedemption(redemption, moved) },
	})
	return a, err
}

// unrefreshed is an idle time beyond the end of every family: a family without refresh tokens lives
// to its end.
const unrefreshed = 10 * 365 * 24 * time.Hour

// plan reads the request. Resources that the client may not ask for (any more) are refused
// here.
func (g *AuthorizationCode) plan(ctx context.Context, r Request, id store.FamilyID, challenge string) (store.Redemption, plan, error) {
	if asked := r.Form.Resources(); len(asked) > 0 { // RFC 8707 §2.2: a subset of the granted resources
		if _, err := g.Targets.Resolve(ctx, asked, r.Client.Resources); err != nil {
			return store.Redemption{}, plan{}, err
		}
	}
	exchange, resources := g.ask(ctx, r, id, nil, g.Revoker.Replay(id, r.Now))
	if !r.Client.May(oauth.RefreshToken) {
		exchange.Idle = unrefreshed
	}
	redemption := store.Redemption{Exchange: exchange, RedirectURI: r.Form.Get("redirect_uri"), Challenge: challenge}
	return redemption, plan{rotation: redemption.Rotation(), resources: resources}, nil
}

// challengeOf is the challenge of a verifier by S256 (RFC 7636 §4.6); "": there is no verifier.
func challengeOf(verifier string) (string, error) {
	if verifier == "" {
		return "", nil
	}
	if len(verifier) < 43 || len(verifier) > 128 { // RFC 7636 §4.1
		return "", oauth.Fail(oauth.InvalidGrant, "code_verifier_malformed", "code_verifier has 43 to 128 characters (RFC 7636 section 4.1)")
	}
	hash := sha256.Sum256([]byte(verifier))
	return base64.RawURLEncoding.EncodeToString(hash[:]), nil
}

func refuseRedemption(asked store.Redemption, moved store.RotationResult) *oauth.Error {
	switch moved.Outcome {
	case store.Unknown:
		return refuseCode("code_unknown")
	case store.WrongClient:
		return refuseCode("code_wrong_client").ForAudit()
	case store.Revoked:
		return refuseCode("code_revoked")
	case store.CodeReplayed:
		return refuseCode("code_replayed").ForAudit()
	case store.Expired:
		return refuseCode("code_expired")
	case store.WrongKey: // RFC 9449 §10
		return refuseCode("code_wrong_key").ForAudit()
	case store.WrongRedirectURI: // RFC 6749 §4.1.3
		return oauth.Fail(oauth.InvalidGrant, "code_redirect_uri", oauth.Quote("redirect_uri", asked.RedirectURI)+" is not the one of the authorization request").ForAudit()
	case store.WrongVerifier: // RFC 7636 §4.6, RFC 9700 §2.1.1
		return oauth.Fail(oauth.InvalidGrant, "code_verifier_wrong",
			"code_verifier does not belong to the code_challenge of the authorization request, or only one of the two was sent").ForAudit()
	case store.ResourceExceeded: // RFC 8707 §2.2
		return oauth.Fail(oauth.InvalidTarget, "resource_exceeded",
			quoteNotGranted("resource", asked.Resources, moved.Family.Resources)+" was not granted: the token request may ask for less, never for more")
	}
	return nil
}

// refuseCode gives the same answer for every invalid code (RFC 6749 §5.2, invalid_grant).
func refuseCode(reason string) *oauth.Error {
	return oauth.Fail(oauth.InvalidGrant, reason, "the authorization code is not valid, was used before or has expired: begin the sign-in again")
}
