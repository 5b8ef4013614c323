package grants

import (
	"context"
	"fmt"
	"time"

	"authserver/internal/oauth"
	"authserver/internal/store"
	"authserver/internal/tokens"
)

// Refresh is the grant of a refresh token (RFC 6749 §6) with rotation and reuse
// detection (RFC 9700 §4.14.2).
type Refresh struct {
	Targets  *Targets
	Minter   Minter
	Families interface {
		Rotate(ctx context.Context, r store.Rotation) (store.RotationResult, error)
	}
	Refresh *tokens.RefreshCodec
	// Revoker says what a reuse voids, and takes note in this process that it did.
	Revoker interface {
		Reuse(id store.FamilyID, now time.Time) store.Void
		TakeNote(ctx context.Context)
	}
	Grace time.Duration // how long a retry gets the same successor
	Clock store.Clock   // that requests read Now from
}

// Type implements [Grant].
func (*Refresh) Type() oauth.GrantType { return oauth.RefreshToken }

// NeedsClient implements [Grant].
func (*Refresh) NeedsClient() bool { return true }

// Exchange implements [Grant]. It asks the database once.
func (g *Refresh) Exchange(ctx context.Context, r Request) (Answer, error) {
	if !r.Form.Has("refresh_token") {
		return Answer{}, oauth.Fail(oauth.InvalidRequest, "refresh_token_missing", "refresh_token is required")
	}
	presented, err := g.Refresh.Decode(r.Form.Get("refresh_token"))
	if err != nil {
		return Answer{Outcome: "forged"}, refuseRefresh("refresh_forged").Because(err)
	}
	rotation, err := g.rotation(ctx, r, presented)
	if err != nil {
		return Answer{}, err
	}
	// What fails after the rotation is to the client like a lost answer: it costs a
	// retry within the grace. That a key is there to sign with is known before.
	if err := g.Minter.Ready(); err != nil {
		return Answer{}, fmt.Errorf("prepare to sign: %w", err)
	}
	rotated, err := g.Families.Rotate(ctx, rotation)
	if err != nil {
		return Answer{}, fmt.Errorf("rotate the refresh token: %w", err)
	}
	refused := Answer{Outcome: rotated.Outcome.String()}
	switch rotated.Outcome {
	case store.Rotated, store.Graced:
		return g.answer(ctx, r, rotation, rotated)
	case store.UsedBefore:
		return refused, r.Once[rotated.Replay].Again()
	case store.Reused:
		g.Revoker.TakeNote(ctx)
		return refused, refuseRefresh("refresh_reused").Because(evidence(rotation, rotated.Family))
	default:
		return refused, refuseOutcome(rotated.Outcome, evidence(rotation, rotated.Family))
	}
}

// rotation reads the request. Scope and resources that the client may not ask for
// (any more) are refused here, before anything moves: a client that mends its
// request after the grace would else be taken for a thief.
func (g *Refresh) rotation(ctx context.Context, r Request, presented tokens.Refresh) (store.Rotation, error) {
	asked, err := askedScope(r.Form.Get("scope"))
	if err != nil {
		return store.Rotation{}, err
	}
	target := Target{AnyScope: true} // which resources the family has is not known yet
	if len(r.Form.Resources()) > 0 {
		if target, err = g.Targets.Resolve(ctx, r.Form.Resources(), r.Client.Resources); err != nil {
			return store.Rotation{}, err
		}
	}
	if _, err := target.Scope(asked, r.Client.Scopes, nil); err != nil {
		return store.Rotation{}, err
	}
	return store.Rotation{
		ID:              presented.Family,
		Generation:      presented.Generation,
		ClientID:        r.Client.ID,
		ClientNotBefore: r.Client.NotBefore,
		Proved:          r.Held.keys(),
		Binds:           r.familyKey(),
		Scope:           asked,
		Resources:       r.Form.Resources(),
		Now:             store.At(r.Now),
		Clock:           g.Clock,
		Grace:           g.Grace,
		Idle:            r.Client.RefreshIdle,
		Uses:            uses(r.Once),
		Reuse:           g.Revoker.Reuse(presented.Family, r.Now),
	}, nil
}

// answer mints for what the family was granted, as far as the client is still
// registered for it, narrowed to what this request asks for.
func (g *Refresh) answer(ctx context.Context, r Request, rotation store.Rotation, rotated store.RotationResult) (Answer, error) {
	family := rotated.Family
	resources := rotation.Resources
	if len(resources) == 0 {
		if resources = g.left(family.Resources, r.Client.Resources); len(resources) == 0 {
			return Answer{}, oauth.Fail(oauth.InvalidTarget, "resources_withdrawn",
				"none of the resources that were granted may be asked for any more: an administrator can add one with --resource")
		}
	}
	target, err := g.Targets.Resolve(ctx, resources, r.Client.Resources)
	if err != nil {
		return Answer{}, err
	}
	granted := family.Scope.And(r.Client.Scopes)
	scope, err := target.Scope(rotation.Scope, granted, granted)
	if err != nil {
		return Answer{}, err
	}
	access := userAccess(target, scope, *r.Client, rotated.User)
	access.Family = family.ID
	// What the family remembers, so that the token is void with it.
	access.ClientNotBefore, access.SubjectNotBefore = family.ClientNotBefore, family.UserNotBefore
	a, err := r.issue(g.Minter, access)
	if err != nil {
		return Answer{}, err
	}
	refresh, err := g.Refresh.Encode(tokens.Refresh{Family: family.ID, Generation: family.Generation}, family.RotatedAt)
	if err != nil {
		return Answer{}, err
	}
	a.RefreshToken, a.Outcome = refresh, rotated.Outcome.String()
	return a, nil
}

// left returns the resources of a family that its client is still registered for.
func (g *Refresh) left(granted, registered []string) []string {
	return oauth.Scope(granted).And(g.Targets.Allowed(registered))
}

// evidence tells the log which family a refusal was about.
func evidence(r store.Rotation, f store.Family) error {
	return fmt.Errorf("family %x of client %q, begun %s, is at generation %d, and client %q presented generation %d",
		r.ID, f.ClientID, f.CreatedAt.Format(time.RFC3339), f.Generation, r.ClientID, r.Generation)
}

func refuseOutcome(outcome store.Outcome, why error) error {
	switch outcome {
	case store.Unknown:
		return refuseRefresh("refresh_unknown").Because(why)
	case store.WrongClient:
		return refuseRefresh("refresh_wrong_client").Because(why)
	case store.WrongKey: // RFC 9449 §5, RFC 8705 §4
		return refuseRefresh("refresh_wrong_key").Because(why)
	case store.Revoked:
		return refuseRefresh("refresh_revoked").Because(why)
	case store.Expired:
		return refuseRefresh("refresh_expired").Because(why)
	case store.ScopeExceeded: // RFC 6749 §6: MUST NOT include any scope not originally granted
		return oauth.Fail(oauth.InvalidScope, "scope_exceeded",
			"scope exceeds what was granted: a refresh may narrow it, never widen it").Because(why)
	case store.ResourceExceeded: // RFC 8707 §2.2
		return oauth.Fail(oauth.InvalidTarget, "resource_exceeded",
			"resource is not one that was granted: a refresh may narrow, never widen").Because(why)
	default:
		return fmt.Errorf("rotate the refresh token: outcome %d is not known", outcome)
	}
}

// refuseRefresh gives one answer for every refresh token that is not good
// (RFC 6749 §5.2, invalid_grant).
func refuseRefresh(reason string) *oauth.Error {
	return oauth.Fail(oauth.InvalidGrant, reason,
		"the refresh token is invalid, expired, revoked, was used before, or was issued to another client: the user has to log in again")
}
