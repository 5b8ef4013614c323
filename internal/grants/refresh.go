package grants

import (
	"context"
	"time"

	"authserver/internal/oauth"
	"authserver/internal/store"
	"authserver/internal/tokens"
)

// Refresh is the grant of a refresh token (RFC 6749 §6) with rotation and reuse detection (RFC 9700
// §4.14.2). A client whose profile forbids rotation gets the same generation again. Its text
// changes when the key that authenticates refresh tokens changes.
type Refresh struct {
	Rotating
	Families interface {
		Rotate(ctx context.Context, r store.Rotation) (store.RotationResult, error)
	}
	// Sessions notes that the session of a family is in use, if the family ends with it.
	Sessions interface {
		Used(id store.SessionID, now time.Time)
	}
	Grace time.Duration // how long a retry gets the same successor
}

// Type implements [Grant].
func (*Refresh) Type() oauth.GrantType { return oauth.RefreshToken }

// NeedsClient implements [Grant].
func (*Refresh) NeedsClient() bool { return true }

// Exchange implements [Grant].
func (g *Refresh) Exchange(ctx context.Context, r Request) (Answer, error) {
	if !r.Form.Has("refresh_token") {
		return Answer{}, oauth.Fail(oauth.InvalidRequest, "refresh_token_missing", "refresh_token is required")
	}
	presented, err := g.Refresh.Decode(r.Form.Get("refresh_token"))
	if err != nil {
		return Answer{Outcome: forged}, refuseRefresh("refresh_forged").Because(err)
	}
	plan, err := g.plan(ctx, r, presented)
	if err != nil {
		return Answer{About: tokens.About{Family: presented.Family}}, err
	}
	a, family, err := g.exchange(ctx, r, plan, move{
		presented: "the refresh token",
		store: func(ctx context.Context) (store.RotationResult, error) {
			return g.Families.Rotate(ctx, plan.rotation)
		},
		refuse: func(moved store.RotationResult) *oauth.Error { return refuseRotation(plan.rotation, moved) },
	})
	if err == nil && !family.SessionID.IsZero() && !family.Offline {
		g.Sessions.Used(family.SessionID, r.Now)
	}
	return a, err
}

// RefreshOutcomes returns every [Answer.Outcome] of a refresh token.
func RefreshOutcomes() []string {
	all := []string{forged, putBack, kept}
	for o := store.Unknown; o <= store.Rotated; o++ {
		all = append(all, o.String())
	}
	return all
}

// plan reads the request. Scope and resources that the client may not ask for (any more)
// are refused here.
func (g *Refresh) plan(ctx context.Context, r Request, presented tokens.Refresh) (plan, error) {
	scope, err := askedScope(r.Form.Get("scope"))
	if err != nil {
		return plan{}, err
	}
	target := Target{AnyScope: true} // the resources of the family are not known yet
	if asked := r.Form.Resources(); len(asked) > 0 {
		if target, err = g.Targets.Resolve(ctx, asked, r.Client.Resources); err != nil {
			return plan{}, err
		}
	}
	target.Identity = true // the scope of the family is not known yet either
	if _, err := target.Scope(scope, r.Client.Scopes, nil); err != nil {
		return plan{}, err
	}
	exchange, resources := g.ask(ctx, r, presented.Family, scope, g.Revoker.Reuse(presented.Family, r.Now))
	return plan{resources: resources, rotation: store.Rotation{
		Exchange: exchange, Generation: presented.Generation, Keep: !r.Client.Profile.Rotates(), Scope: scope, Grace: g.Grace,
	}}, nil
}

func refuseRotation(asked store.Rotation, moved store.RotationResult) *oauth.Error {
	switch moved.Outcome {
	case store.Unknown:
		return refuseRefresh("refresh_unknown")
	case store.WrongClient:
		return refuseRefresh("refresh_wrong_client").ForAudit()
	case store.WrongKey: // RFC 9449 §5, RFC 8705 §4
		return refuseRefresh("refresh_wrong_key").ForAudit()
	case store.Revoked:
		return refuseRefresh("refresh_revoked")
	case store.Reused:
		return refuseRefresh("refresh_reused").ForAudit()
	case store.Expired:
		return refuseRefresh("refresh_expired")
	case store.ScopeExceeded: // RFC 6749 §6: MUST NOT include any scope not originally granted
		return oauth.Fail(oauth.InvalidScope, "scope_exceeded",
			quoteNotGranted("scope", asked.Scope, moved.Family.Scope)+" exceeds what was granted: a refresh may narrow the scope, never widen it")
	case store.ResourceExceeded: // RFC 8707 §2.2
		return oauth.Fail(oauth.InvalidTarget, "resource_exceeded",
			quoteNotGranted("resource", asked.Resources, moved.Family.Resources)+" was not granted: a refresh may ask for less, never for more")
	}
	return nil
}

// refuseRefresh gives the same answer for every invalid refresh token (RFC 6749 §5.2,
// invalid_grant).
func refuseRefresh(reason string) *oauth.Error {
	return oauth.Fail(oauth.InvalidGrant, reason,
		"the refresh token is invalid, expired, revoked, was used before, or was issued to another client: the user has to log in again")
}
