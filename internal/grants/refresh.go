package grants

import (
	"context"
	"errors"
	"fmt"
	"time"

	"authserver/internal/oauth"
	"authserver/internal/store"
	"authserver/internal/tokens"
)

// Refresh is the grant of a refresh token (RFC 6749 §6) with rotation and reuse detection (RFC 9700
// §4.14.2). A client whose profile forbids rotation gets the same generation again. Its text
// changes when the key that authenticates refresh tokens changes.
type Refresh struct {
	Issuing
	Families interface {
		Rotate(ctx context.Context, r store.Rotation) (store.RotationResult, error)
	}
	PutBacks *PutBacks
	Refresh  *tokens.RefreshCodec
	// Revoker decides what a reuse revokes, and updates the view of this process.
	Revoker interface {
		Reuse(id store.FamilyID, now time.Time) store.Void
		ReloadView(ctx context.Context)
	}
	// Sessions notes that the session of a family is in use, if the family ends with it.
	Sessions interface {
		Used(id store.SessionID, now time.Time)
	}
	Grace time.Duration // how long a retry gets the same successor
	Clock store.Clock   // that requests read Now from
}

// Type implements [Grant].
func (*Refresh) Type() oauth.GrantType { return oauth.RefreshToken }

// NeedsClient implements [Grant].
func (*Refresh) NeedsClient() bool { return true }

// Exchange implements [Grant]. It asks the database once. A refusal changes nothing: all refusals
// are decided before the rotation or by its statement, and a later failure is put back.
func (g *Refresh) Exchange(ctx context.Context, r Request) (Answer, error) {
	if !r.Form.Has("refresh_token") {
		return Answer{}, oauth.Fail(oauth.InvalidRequest, "refresh_token_missing", "refresh_token is required")
	}
	presented, err := g.Refresh.Decode(r.Form.Get("refresh_token"))
	if err != nil {
		return Answer{Outcome: "forged"}, refuseRefresh("refresh_forged").Because(err)
	}
	named := Answer{Family: presented.Family}
	plan, err := g.plan(ctx, r, presented)
	if err != nil {
		return named, err
	}
	if err := g.PutBacks.Settle(ctx, presented.Family); err != nil {
		return named, fmt.Errorf("put the refresh token back first: %w", err)
	}
	rotated, err := g.Families.Rotate(ctx, plan.rotation)
	if err != nil {
		err = fmt.Errorf("rotate the refresh token: %w", err)
		if errors.Is(err, store.ErrNotDone) {
			return named, err
		}
		return Answer{Outcome: putBack, Family: presented.Family}, errors.Join(err, g.PutBacks.PutBack(ctx, plan.rotation, store.Unknown))
	}
	refused := refusedAnswer(plan.rotation, rotated)
	switch rotated.Outcome {
	case store.Rotated, store.Graced:
		return g.deliver(ctx, r, plan, rotated)
	case store.UsedBefore:
		return refused, r.Once[rotated.Replay].replayError()
	case store.Reused:
		g.Revoker.ReloadView(ctx)
		return refused, refuseRefresh("refresh_reused").Because(familyCause(plan.rotation, rotated.Family))
	case store.Unissuable:
		_, _, err := plan.target(r.Client, rotated.Family)
		if err == nil {
			err = errors.New("decide on the refresh token: the database refuses what can be issued")
		}
		return refused, err
	default:
		return refused, refuseOutcome(plan.rotation, rotated)
	}
}

const (
	// putBack is the outcome of a refresh token whose answer could not be given.
	putBack = "put_back"
	// kept is the outcome of a refresh token of a client whose profile forbids rotation.
	kept = "kept"
)

// plan reads the request. Scope and resources that the client may not ask for (any more)
// are refused here.
func (g *Refresh) plan(ctx context.Context, r Request, presented tokens.Refresh) (plan, error) {
	scope, err := askedScope(r.Form.Get("scope"))
	if err != nil {
		return plan{}, err
	}
	asked := r.Form.Resources()
	target := Target{AnyScope: true} // the resources of the family are not known yet
	if len(asked) > 0 {
		if target, err = g.Targets.Resolve(ctx, asked, r.Client.Resources); err != nil {
			return plan{}, err
		}
	}
	target.Identity = true // the scope of the family is not known yet either
	if _, err := target.Scope(scope, r.Client.Scopes, nil); err != nil {
		return plan{}, err
	}
	resources := g.candidates(ctx, r, asked)
	return plan{resources: resources, rotation: store.Rotation{
		ID:              presented.Family,
		Generation:      presented.Generation,
		Keep:            !r.Client.Profile.Rotates(),
		ClientID:        r.Client.ID,
		ClientNotBefore: r.Client.NotBefore,
		Proved:          r.Possession.keys(),
		Binds:           r.familyKey(),
		Scope:           scope,
		Resources:       asked,
		Candidates:      candidates(resources, scope),
		Now:             store.At(r.Now),
		Clock:           g.Clock,
		Grace:           g.Grace,
		Idle:            r.Client.RefreshIdle,
		Uses:            uses(r.Once),
		Reuse:           g.Revoker.Reuse(presented.Family, r.Now),
		RequestID:       r.RequestID,
	}}, nil
}

// deliver answers with the tokens after the rotation. If that fails, or if the client has
// disconnected, it puts the refresh token back: the client has no answer, and the grace may be over
// when it retries.
func (g *Refresh) deliver(ctx context.Context, r Request, p plan, rotated store.RotationResult) (a Answer, err error) {
	delivered := false
	defer func() {
		if !delivered {
			a = refusedAnswer(p.rotation, rotated)
			a.Outcome = putBack
			err = errors.Join(err, g.PutBacks.PutBack(ctx, p.rotation, rotated.Outcome))
		}
	}()
	a, err = g.answer(ctx, r, p, rotated)
	if gone := ctx.Err(); err == nil && errors.Is(gone, context.Canceled) {
		err = fmt.Errorf("answer the client: %w", gone)
	}
	delivered = err == nil
	if family := rotated.Family; delivered && !family.SessionID.IsZero() && !family.Offline {
		g.Sessions.Used(family.SessionID, r.Now)
	}
	return a, err
}

func (g *Refresh) answer(ctx context.Context, r Request, p plan, rotated store.RotationResult) (Answer, error) {
	family := rotated.Family
	family.Login.Nonce = "" // OpenID Connect Core §12.2
	a, err := g.issueOf(ctx, r, p, family, rotated.User)
	if err != nil {
		return Answer{}, err
	}
	refresh, err := g.Refresh.Encode(tokens.Refresh{Family: family.ID, Generation: family.Generation}, family.RotatedAt)
	if err != nil {
		return Answer{}, err
	}
	a.RefreshToken, a.Outcome = refresh, rotated.Outcome.String()
	if p.rotation.Keep && rotated.Outcome == store.Rotated {
		a.Outcome = kept
	}
	return a, nil
}

// refusedAnswer has what the log says about a refused refresh token: its user and client, and when
// and why its family ended.
func refusedAnswer(asked store.Rotation, rotated store.RotationResult) Answer {
	a := Answer{Outcome: rotated.Outcome.String(), Family: asked.ID, Subject: rotated.Family.UserID, Username: rotated.User.Username}
	switch rotated.Outcome {
	case store.Revoked, store.Reused:
		a.RevokedAt, a.Revocation = rotated.Family.Ended(rotated.User, asked.ClientNotBefore)
	}
	return a
}

// familyCause names the family of a refusal, for the log.
func familyCause(r store.Rotation, f store.Family) error {
	return fmt.Errorf("family %s of client %q, begun %s, is at generation %d, and client %q presented generation %d",
		r.ID, f.ClientID, f.CreatedAt.Format(time.RFC3339), f.Generation, r.ClientID, r.Generation)
}

func refuseOutcome(asked store.Rotation, rotated store.RotationResult) error {
	why := familyCause(asked, rotated.Family)
	switch rotated.Outcome {
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
			quoteNotGranted("scope", asked.Scope, rotated.Family.Scope)+" exceeds what was granted: a refresh may narrow the scope, never widen it").Because(why)
	case store.ResourceExceeded: // RFC 8707 §2.2
		return oauth.Fail(oauth.InvalidTarget, "resource_exceeded",
			quoteNotGranted("resource", asked.Resources, rotated.Family.Resources)+" was not granted: a refresh may ask for less, never for more").Because(why)
	default:
		return fmt.Errorf("rotate the refresh token: outcome %d is not known", rotated.Outcome)
	}
}

// quoteNotGranted quotes the first requested value that was not granted.
func quoteNotGranted(word string, asked, granted oauth.Scope) string {
	value, _ := asked.FirstNotIn(granted)
	return oauth.Quote(word, value)
}

// refuseRefresh gives the same answer for every invalid refresh token (RFC 6749 §5.2,
// invalid_grant).
func refuseRefresh(reason string) *oauth.Error {
	return oauth.Fail(oauth.InvalidGrant, reason,
		"the refresh token is invalid, expired, revoked, was used before, or was issued to another client: the user has to log in again")
}
