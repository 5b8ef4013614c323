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

// FrontChannel makes the access tokens that reach the client through the browser (RFC 6749 §4.2.2).
type FrontChannel interface {
	// AccessToken makes the access token of a new family, and returns its lifetime.
	AccessToken(ctx context.Context, now time.Time, client store.Client, user store.User, family store.Family) (token string, expiresIn time.Duration, err error)
}

// IDTokens makes ID tokens (OpenID Connect Core §2).
type IDTokens interface {
	IDToken(ctx context.Context, now time.Time, client store.Client, user store.User, family store.Family, beside tokens.HashInputs) (string, error)
}

// grant makes the answer that the response type asks for. Code and tokens belong to one new family,
// with the code as generation 0 (RFC 6749 §4.1.2). The family is written last, when everything else
// is made.
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
	if errors.Is(err, store.ErrNotFound) { // the user was deleted, or the session ended meanwhile
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
	if s.Request.answers("id_token") { // the client gets a logout token even without a family
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

// refusedOr answers the client with a refusal, or returns a fault of the server.
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

// uses are the uses that the answer records.
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

// family is the family of a code and its tokens. Without a code it begins at generation 1 and has
// no refresh token: it makes the access token end with the session, and with the consent.
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
