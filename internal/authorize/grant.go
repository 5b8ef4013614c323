package authorize

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strconv"
	"time"

	"authserver/internal/oauth"
	"authserver/internal/oidc"
	"authserver/internal/store"
	"authserver/internal/tokens"
)

// FrontChannel makes the access tokens that the browser carries to the client (RFC 6749
// §4.2.2).
type FrontChannel interface {
	// AccessToken makes the one of a family that is about to begin, and says for how long it
	// is good.
	AccessToken(ctx context.Context, now time.Time, client store.Client, user store.User, family store.Family) (token string, expiresIn time.Duration, err error)
}

// IDTokens makes ID tokens (OpenID Connect Core §2).
type IDTokens interface {
	IDToken(ctx context.Context, now time.Time, client store.Client, user store.User, family store.Family, beside tokens.HashInputs) (string, error)
}

// grant answers with what the response type asks for. All of it comes from one new family,
// of which a code is generation 0 (RFC 6749 §4.1.2). Nothing is written before all of it is
// made.
func (a *Authorizer) grant(ctx context.Context, s PromptInput) (Step, error) {
	if !s.Request.answers("code") && !s.Request.answers("token") { // nothing to be revoked later
		return a.grantNoToken(ctx, s)
	}
	family := a.family(s)
	if _, err := io.ReadFull(a.Rand, family.ID[:]); err != nil {
		return Step{}, fmt.Errorf("name a family: %w", err)
	}
	fields, err := a.fields(ctx, s, family)
	if err != nil {
		return a.refusedOr(s, err)
	}
	err = a.Families.CreateFamily(ctx, family, s.uses()...)
	if errors.Is(err, store.ErrNotFound) { // the user is gone, or the session ended meanwhile
		err = oauth.Fail(oauth.AccessDenied, "session_ended", "the person was signed out meanwhile: send the request again")
	}
	if err != nil {
		return a.refusedOr(s, fmt.Errorf("begin a family: %w", err))
	}
	return Step{Answer: a.answer(s.Flow, fields...), Family: family.ID}, nil
}

// grantNoToken answers with an ID token, or with nothing (OAuth 2.0 Multiple Response Type
// Encoding Practices §4).
func (a *Authorizer) grantNoToken(ctx context.Context, s PromptInput) (Step, error) {
	fields, err := a.fields(ctx, s, a.family(s))
	if err != nil {
		return a.refusedOr(s, err)
	}
	if s.Request.answers("id_token") { // without a family the client is told all the same when the session ends
		err := a.Families.JoinSession(ctx, s.Person.Session.ID, s.Client.ID)
		if errors.Is(err, store.ErrNotFound) {
			err = oauth.Fail(oauth.AccessDenied, "session_ended", "the person was signed out meanwhile: send the request again")
		}
		if err != nil {
			return a.refusedOr(s, fmt.Errorf("take part in a session: %w", err))
		}
	}
	if uses := s.uses(); len(uses) > 0 {
		if err := a.Uses.UseOnce(ctx, uses...); err != nil {
			return a.refusedOr(s, fmt.Errorf("use up the pushed request: %w", err))
		}
	}
	return Step{Answer: a.answer(s.Flow, fields...)}, nil
}

// refusedOr tells the client what was refused, or returns the fault of the server.
func (a *Authorizer) refusedOr(s PromptInput, err error) (Step, error) {
	var refused *oauth.Error
	var replayed *store.ReplayedError
	switch {
	case errors.As(err, &replayed): // RFC 9126 §4
		return a.refusal(s.Flow, pushedAgain()), nil
	case errors.As(err, &refused) && refused.Code != oauth.Unavailable:
		return a.refusal(s.Flow, refused), nil
	}
	return Step{}, err
}

// uses are what is used up by the answer.
func (s PromptInput) uses() []store.Use {
	if s.Continuation.Pushed == (store.Use{}) {
		return nil
	}
	return []store.Use{s.Continuation.Pushed}
}

// fields makes what the response type asks for (OpenID Connect Core §3.2.2.5, §3.3.2.5).
func (a *Authorizer) fields(ctx context.Context, s PromptInput, family store.Family) ([]Field, error) {
	var fields []Field
	beside := tokens.HashInputs{State: s.Request.State}
	if s.Request.answers("code") {
		code, err := a.Codes.Encode(family.ID, family.CreatedAt)
		if err != nil {
			return nil, err
		}
		beside.Code = code
		fields = append(fields, Field{"code", code})
	}
	if s.Request.answers("token") {
		token, expiresIn, err := a.Tokens.AccessToken(ctx, s.Now, s.Client, s.Person.User, family)
		if err != nil {
			return nil, err
		}
		beside.AccessToken = token
		fields = append(fields, Field{"access_token", token}, Field{"token_type", oauth.Bearer},
			Field{"expires_in", strconv.FormatInt(int64(expiresIn/time.Second), 10)}, Field{"scope", family.Scope.String()})
	}
	if s.Request.answers("id_token") {
		token, err := a.IDTokens.IDToken(ctx, s.Now, s.Client, s.Person.User, family, beside)
		if err != nil {
			return nil, err
		}
		fields = append(fields, Field{"id_token", token})
	}
	state, err := a.sessionState(s)
	if err == nil && state != "" {
		fields = append(fields, Field{"session_state", state})
	}
	return fields, err
}

// family is what a code and the tokens come from. One without a code begins where a code
// would be exchanged, and has no refresh token: it is there so that its access token ends
// with the session, and where the person takes the client's access away.
func (a *Authorizer) family(s PromptInput) store.Family {
	r, person := s.Request, s.Person
	life := s.Client.RefreshMax
	if !s.Client.May(oauth.RefreshToken) {
		life = a.MaxTTL // no longer than the access token, which a replay of the code revokes
	}
	family := store.Family{
		ClientID:  s.Client.ID,
		UserID:    person.User.ID,
		Scope:     s.Grantable.Scope,
		Resources: s.Grantable.Resources,
		CreatedAt: s.Now,

		ClientNotBefore: s.Client.NotBefore,
		UserNotBefore:   person.User.NotBefore,

		IdleExpiresAt: s.Now.Add(a.CodeTTL),
		ExpiresAt:     s.Now.Add(a.CodeTTL + life),
		CreatedBy:     a.Clock.ID, RotatedBy: a.Clock.ID,

		SessionID: person.Session.ID,
		Offline:   s.Grantable.Scope.Has("offline_access"),
		Login: store.Login{
			AuthTime: person.Session.AuthTime(), ACR: person.ACR(), AMR: person.AMR(), Nonce: r.Nonce,
			IDTokenClaims: oidc.Granted(r.Claims.IDToken, s.Grantable.ByResource[""]), UserinfoClaims: s.userinfoClaims(),
		},
		Code: store.Code{RedirectURI: r.RedirectURI, Challenge: r.Challenge, JKT: r.JKT},
	}
	if !r.answers("code") {
		family.Generation, family.Code = 1, store.Code{}
		family.ExpiresAt = s.Now.Add(a.MaxTTL)
		family.IdleExpiresAt = family.ExpiresAt
	}
	return family
}
