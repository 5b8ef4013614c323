package grants

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"time"

	"authserver/internal/oauth"
	"authserver/internal/store"
	"authserver/internal/tokens"
)

// AuthorizationCode is the grant for the code of a sign-in (RFC 6749 §4.1.3). The code is
// generation 0 of a family, and exchanging it is a rotation to generation 1 without a grace.
type AuthorizationCode struct {
	Issuing
	Families interface {
		Redeem(ctx context.Context, r store.Redemption) (store.RotationResult, error)
	}
	PutBacks *PutBacks
	Codes    *tokens.CodeCodec
	Refresh  *tokens.RefreshCodec
	// Revoker decides what a replay revokes, and updates the view of this process.
	Revoker interface {
		Replay(id store.FamilyID, now time.Time) store.Void
		ReloadView(ctx context.Context)
	}
	Clock store.Clock // that requests read Now from
}

// Type implements [Grant].
func (*AuthorizationCode) Type() oauth.GrantType { return oauth.AuthorizationCode }

// NeedsClient implements [Grant].
func (*AuthorizationCode) NeedsClient() bool { return true }

// Exchange implements [Grant]. It asks the database once. A refusal changes nothing, except that a
// code which was exchanged before ends everything that came from it.
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
		return Answer{Outcome: "forged"}, refuseCode("code_forged").Because(err)
	}
	named := Answer{Family: id}
	redemption, plan, err := g.plan(ctx, r, id, challenge)
	if err != nil {
		return named, err
	}
	if err := g.PutBacks.Settle(ctx, id); err != nil {
		return named, fmt.Errorf("put the authorization code back first: %w", err)
	}
	redeemed, err := g.Families.Redeem(ctx, redemption)
	if err != nil {
		err = fmt.Errorf("redeem the authorization code: %w", err)
		if errors.Is(err, store.ErrNotDone) {
			return named, err
		}
		return Answer{Outcome: putBack, Family: id}, errors.Join(err, g.PutBacks.PutBack(ctx, plan.rotation, store.Unknown))
	}
	refused := refusedAnswer(plan.rotation, redeemed)
	switch redeemed.Outcome {
	case store.Redeemed:
		return g.deliver(ctx, r, plan, redeemed)
	case store.UsedBefore:
		return refused, r.Once[redeemed.Replay].replayError()
	case store.CodeReplayed:
		g.Revoker.ReloadView(ctx)
		return refused, refuseCode("code_replayed").Because(familyCause(plan.rotation, redeemed.Family))
	case store.Unissuable:
		_, _, err := plan.target(r.Client, redeemed.Family)
		if err == nil {
			err = errors.New("decide on the authorization code: the database refuses what can be issued")
		}
		return refused, err
	default:
		return refused, refuseRedemption(plan.rotation, redemption.RedirectURI, redeemed)
	}
}

// unrefreshed is an idle time beyond the end of every family: a family without refresh tokens lives
// to its end.
const unrefreshed = 10 * 365 * 24 * time.Hour

// plan reads the request. Resources that the client may not ask for (any more) are refused
// here.
func (g *AuthorizationCode) plan(ctx context.Context, r Request, id store.FamilyID, challenge string) (store.Redemption, plan, error) {
	asked := r.Form.Resources()
	if len(asked) > 0 { // RFC 8707 §2.2: a subset of the granted resources
		if _, err := g.Targets.Resolve(ctx, asked, r.Client.Resources); err != nil {
			return store.Redemption{}, plan{}, err
		}
	}
	resources := g.candidates(ctx, r, asked)
	idle := r.Client.RefreshIdle
	if !r.Client.May(oauth.RefreshToken) {
		idle = unrefreshed
	}
	redemption := store.Redemption{
		ID:              id,
		ClientID:        r.Client.ID,
		ClientNotBefore: r.Client.NotBefore,
		RedirectURI:     r.Form.Get("redirect_uri"),
		Challenge:       challenge,
		Proved:          r.Possession.keys(),
		Binds:           r.familyKey(),
		Resources:       asked,
		Now:             store.At(r.Now),
		Clock:           g.Clock,
		Idle:            idle,
		Candidates:      candidates(resources, nil),
		Uses:            uses(r.Once),
		Replay:          g.Revoker.Replay(id, r.Now),
		RequestID:       r.RequestID,
	}
	return redemption, plan{rotation: redemption.Rotation(), resources: resources}, nil
}

// deliver answers with the tokens of the family. If that fails, it puts the code back, as for a
// refresh token.
func (g *AuthorizationCode) deliver(ctx context.Context, r Request, p plan, redeemed store.RotationResult) (a Answer, err error) {
	delivered := false
	defer func() {
		if !delivered {
			a = refusedAnswer(p.rotation, redeemed)
			a.Outcome = putBack
			err = errors.Join(err, g.PutBacks.PutBack(ctx, p.rotation, redeemed.Outcome))
		}
	}()
	a, err = g.answer(ctx, r, p, redeemed)
	if gone := ctx.Err(); err == nil && errors.Is(gone, context.Canceled) {
		err = fmt.Errorf("answer the client: %w", gone)
	}
	delivered = err == nil
	return a, err
}

func (g *AuthorizationCode) answer(ctx context.Context, r Request, p plan, redeemed store.RotationResult) (Answer, error) {
	family := redeemed.Family
	a, err := g.issueOf(ctx, r, p, family, redeemed.User)
	if err != nil {
		return Answer{}, err
	}
	if r.Client.May(oauth.RefreshToken) {
		if a.RefreshToken, err = g.Refresh.Encode(tokens.Refresh{Family: family.ID, Generation: family.Generation}, family.RotatedAt); err != nil {
			return Answer{}, err
		}
	}
	a.Outcome = redeemed.Outcome.String()
	return a, nil
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

func refuseRedemption(asked store.Rotation, redirectURI string, redeemed store.RotationResult) error {
	why := familyCause(asked, redeemed.Family)
	switch redeemed.Outcome {
	case store.Unknown:
		return refuseCode("code_unknown").Because(why)
	case store.WrongClient:
		return refuseCode("code_wrong_client").Because(why)
	case store.Revoked:
		return refuseCode("code_revoked").Because(why)
	case store.Expired:
		return refuseCode("code_expired").Because(why)
	case store.WrongKey: // RFC 9449 §10
		return refuseCode("code_wrong_key").Because(why)
	case store.WrongRedirectURI: // RFC 6749 §4.1.3
		return oauth.Fail(oauth.InvalidGrant, "code_redirect_uri", oauth.Quote("redirect_uri", redirectURI)+" is not the one of the authorization request").Because(why)
	case store.WrongVerifier: // RFC 7636 §4.6, RFC 9700 §2.1.1
		return oauth.Fail(oauth.InvalidGrant, "code_verifier_wrong",
			"code_verifier does not belong to the code_challenge of the authorization request, or only one of the two was sent").Because(why)
	case store.ResourceExceeded: // RFC 8707 §2.2
		return oauth.Fail(oauth.InvalidTarget, "resource_exceeded",
			quoteNotGranted("resource", asked.Resources, redeemed.Family.Resources)+" was not granted: the token request may ask for less, never for more").Because(why)
	default:
		return fmt.Errorf("redeem the authorization code: outcome %d is not known", redeemed.Outcome)
	}
}

// refuseCode gives the same answer for every invalid code (RFC 6749 §5.2, invalid_grant).
func refuseCode(reason string) *oauth.Error {
	return oauth.Fail(oauth.InvalidGrant, reason, "the authorization code is not valid, was used before or has expired: begin the sign-in again")
}
