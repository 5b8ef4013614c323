package authorize

import (
	"context"
	"errors"
	"fmt"
	"io"

	"authserver/internal/oauth"
	"authserver/internal/store"
)

// grant answers with a code. The code is generation 0 of a new family (RFC 6749 §4.1.2).
func (a *Authorizer) grant(ctx context.Context, s State) (Step, error) {
	family := a.family(s)
	if _, err := io.ReadFull(a.Rand, family.ID[:]); err != nil {
		return Step{}, fmt.Errorf("name a family: %w", err)
	}
	code, err := a.Codes.Encode(family.ID, family.CreatedAt)
	if err != nil {
		return Step{}, err
	}
	var uses []store.Use
	if s.Continuation.Pushed != (store.Use{}) {
		uses = append(uses, s.Continuation.Pushed)
	}
	err = a.Families.CreateFamily(ctx, family, uses...)
	var replayed *store.Replayed
	switch {
	case errors.As(err, &replayed): // RFC 9126 §4
		return a.refusal(s.Flow, oauth.Fail(oauth.InvalidRequestURI, "pushed_request_used", "the pushed request was answered before: push it again")), nil
	case errors.Is(err, store.ErrNotFound): // the user is gone, or the session ended meanwhile
		return a.refusal(s.Flow, oauth.Fail(oauth.AccessDenied, "session_ended", "the person was signed out meanwhile: send the request again")), nil
	case err != nil:
		return Step{}, fmt.Errorf("begin a family: %w", err)
	}
	return Step{Answer: a.answer(s.Flow, Field{"code", code}), Family: family.ID}, nil
}

// family is what a code and the tokens that it is exchanged for come from.
func (a *Authorizer) family(s State) store.Family {
	r, person := s.Request, s.Person
	life := s.Client.RefreshMax
	if !s.Client.May(oauth.RefreshToken) {
		life = a.MaxTTL // no longer than the access token, which a replay of the code revokes
	}
	return store.Family{
		ClientID:  s.Client.ID,
		UserID:    person.User.ID,
		Scope:     s.Asked.Scope,
		Resources: s.Asked.Resources,
		CreatedAt: s.Now,

		ClientNotBefore: s.Client.NotBefore,
		UserNotBefore:   person.User.NotBefore,

		IdleExpiresAt: s.Now.Add(a.CodeTTL),
		ExpiresAt:     s.Now.Add(a.CodeTTL + life),
		CreatedBy:     a.Clock.ID, RotatedBy: a.Clock.ID,

		SessionID: person.Session.ID,
		Offline:   s.Asked.Scope.Has("offline_access"),
		Login: store.Login{
			AuthTime: person.Session.AuthTime(), ACR: person.ACR(), AMR: person.AMR(), Nonce: r.Nonce, Claims: r.Claims.Raw,
		},
		Code: store.Code{RedirectURI: r.RedirectURI, Challenge: r.Challenge, JKT: r.JKT},
	}
}
