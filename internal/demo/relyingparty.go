package demo

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"

	"github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/oauth2"

	"authserver/internal/web"
)

// signIn sends the browser to the server (RFC 6749 §4.1.1).
func (d *Demo) signIn(w http.ResponseWriter, r *http.Request, n *web.RequestInfo) error {
	body, err := n.Read(r)
	if err != nil {
		return err
	}
	form, err := url.ParseQuery(string(body))
	if err != nil {
		return badForm(err)
	}
	v := d.visitOf(r)
	if v == nil {
		v = &visit{}
		v.mu.Lock()
		if err := d.remember(w, r, v); err != nil {
			v.mu.Unlock()
			return err
		}
	}
	defer v.mu.Unlock()
	s, err := d.discover(r.Context())
	if err != nil {
		return d.back(w, v, err)
	}
	a := attempt{verifier: oauth2.GenerateVerifier(), redirect: "http://" + r.Host + callbackPath}
	if a.state, err = d.secret(); err != nil {
		return err
	}
	if a.nonce, err = d.secret(); err != nil {
		return err
	}
	options := []oauth2.AuthCodeOption{oauth2.S256ChallengeOption(a.verifier), oidc.Nonce(a.nonce)}
	for _, q := range questions() {
		if form.Get("ask") == q.Name {
			options = append(options, oauth2.SetAuthURLParam(q.Parameter, q.Value))
		}
	}
	a.request = d.config(s, a.redirect).AuthCodeURL(a.state, options...)
	v.begin(a)
	redirect(w, a.request)
	return nil
}

// callback takes the answer of the server: a code or an error.
func (d *Demo) callback(w http.ResponseWriter, r *http.Request, _ *web.RequestInfo) error {
	answer := r.URL.Query()
	v := d.visitOf(r)
	if v == nil {
		return d.write(w, http.StatusBadRequest, nil, "", errNoAttempt.Error())
	}
	defer v.mu.Unlock()
	a, found := v.take(answer.Get("state"))
	switch {
	case !found:
		return d.back(w, v, errNoAttempt)
	case answer.Get("iss") != d.Issuer: // RFC 9207 §2.4
		return d.back(w, v, fmt.Errorf("the answer is from %q, and the app asked %q", answer.Get("iss"), d.Issuer))
	case answer.Get("error") != "":
		return d.back(w, v, fmt.Errorf("%s: %s", answer.Get("error"), answer.Get("error_description")))
	}
	s, err := d.discover(r.Context())
	if err != nil {
		return d.back(w, v, err)
	}
	tokens, err := d.config(s, a.redirect).Exchange(d.calling(r.Context()), answer.Get("code"), oauth2.VerifierOption(a.verifier))
	if err != nil {
		return d.back(w, v, err)
	}
	person := &signedIn{steps: steps(a, answer)}
	if err := d.take(r.Context(), s, person, tokens, &a.nonce); err != nil {
		return d.back(w, v, err)
	}
	if err := d.ask(r.Context(), s, person); err != nil {
		return d.back(w, v, err)
	}
	v.signedIn, v.notice = person, "The server answered with a code, and the app exchanged it for these tokens."
	if err := d.remember(w, r, v); err != nil {
		return err
	}
	redirect(w, Path)
	return nil
}

// take verifies the tokens of an answer, and keeps them. nonce is nil for a refresh.
func (d *Demo) take(ctx context.Context, s *server, person *signedIn, tokens *oauth2.Token, nonce *string) error {
	access, _, err := d.verified(ctx, s, tokens.AccessToken, d.API, "at+jwt")
	if err != nil {
		return fmt.Errorf("the access token: %w", err)
	}
	raw, given := tokens.Extra("id_token").(string)
	if given {
		id, checked, err := d.verified(ctx, s, raw, d.ClientID, "")
		switch {
		case err != nil:
			return fmt.Errorf("the ID token: %w", err)
		case nonce != nil && checked.Nonce != *nonce:
			return errors.New("the ID token has another nonce than the app sent: it belongs to another sign-in")
		}
		if err := checked.VerifyAccessToken(tokens.AccessToken); err != nil {
			return fmt.Errorf("the ID token belongs to another access token: %w", err)
		}
		person.id = id
	} else if nonce != nil {
		return errors.New("the answer has no ID token")
	}
	person.access, person.refresh = access, tokens.RefreshToken
	return nil
}

// ask calls UserInfo (OpenID Connect Core 1.0 §5.3).
func (d *Demo) ask(ctx context.Context, s *server, person *signedIn) error {
	info, err := s.UserInfo(d.calling(ctx), oauth2.StaticTokenSource(&oauth2.Token{AccessToken: person.access.Raw}))
	if err != nil {
		return fmt.Errorf("UserInfo: %w", err)
	}
	var claims json.RawMessage
	if err := info.Claims(&claims); err != nil {
		return err
	}
	person.userinfo, err = readClaims(claims)
	return err
}

// userinfo calls UserInfo again.
func (d *Demo) userinfo(w http.ResponseWriter, r *http.Request, _ *web.RequestInfo) error {
	return d.with(w, r, func(ctx context.Context, s *server, v *visit) (string, error) {
		return "UserInfo answered with what the server knows now.", d.ask(ctx, s, v.signedIn)
	})
}

// refresh gets new tokens (RFC 6749 §6).
func (d *Demo) refresh(w http.ResponseWriter, r *http.Request, _ *web.RequestInfo) error {
	return d.with(w, r, func(ctx context.Context, s *server, v *visit) (string, error) {
		old := &oauth2.Token{RefreshToken: v.signedIn.refresh}
		tokens, err := d.config(s, "").TokenSource(d.calling(ctx), old).Token()
		if err != nil {
			v.signedIn = nil // the person signs in again, as after any refusal of a refresh
			return "", err
		}
		return "The app has a new access token, and the next refresh token.", d.take(ctx, s, v.signedIn, tokens, nil)
	})
}

// revoke revokes the tokens, and forgets them. The session at the server continues.
func (d *Demo) revoke(w http.ResponseWriter, r *http.Request, _ *web.RequestInfo) error {
	return d.with(w, r, func(ctx context.Context, s *server, v *visit) (string, error) {
		if err := d.revokeToken(ctx, s, v.signedIn.refresh); err != nil {
			return "", err
		}
		v.signedIn = nil
		return "The tokens are revoked. The server still knows you: signing in again asks for no password.", nil
	})
}

// signOut forgets the person, and asks the server to end the session (OpenID Connect RP-Initiated
// Logout 1.0 §2).
func (d *Demo) signOut(w http.ResponseWriter, r *http.Request, _ *web.RequestInfo) error {
	v := d.visitOf(r)
	if v == nil {
		redirect(w, Path)
		return nil
	}
	defer v.mu.Unlock()
	s, err := d.discover(r.Context())
	if err != nil || v.signedIn == nil || s.EndSession == "" {
		return d.back(w, v, err)
	}
	query := url.Values{"id_token_hint": {v.signedIn.id.Raw}, "client_id": {d.ClientID}}
	if home := "http://" + r.Host + Path; home == d.Home { // it is compared character by character
		query.Set("post_logout_redirect_uri", home)
	}
	v.signedIn = nil
	redirect(w, s.EndSession+"?"+query.Encode())
	return nil
}

// with carries out a form for the person who is signed in, and shows the result.
func (d *Demo) with(w http.ResponseWriter, r *http.Request, do func(context.Context, *server, *visit) (notice string, err error)) error {
	v := d.visitOf(r)
	if v == nil {
		redirect(w, Path)
		return nil
	}
	defer v.mu.Unlock()
	s, err := d.discover(r.Context())
	if err == nil && v.signedIn != nil {
		v.notice, err = do(r.Context(), s, v)
	}
	return d.back(w, v, err)
}

// back redirects to the page, which shows the fault.
func (d *Demo) back(w http.ResponseWriter, v *visit, err error) error {
	if err != nil {
		v.notice, v.fault = "", explain(err)
	}
	redirect(w, Path)
	return nil
}

// explain returns the error text of the server, if there is one.
func explain(err error) string {
	var refused *oauth2.RetrieveError
	if errors.As(err, &refused) && refused.ErrorCode != "" {
		return refused.ErrorCode + ": " + refused.ErrorDescription
	}
	return err.Error()
}
