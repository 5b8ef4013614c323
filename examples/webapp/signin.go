package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/oauth2"
)

// flowCookie has the state of a sign-in in progress: state, nonce and PKCE verifier. Only the
// browser that began it can end it.
const flowCookie = "webapp-flow"

// provider reads the metadata of the server. An application that always starts after its server can
// read it once, at the start.
func (a *app) provider(ctx context.Context) (*oidc.Provider, *oauth2.Config, error) {
	p, err := oidc.NewProvider(ctx, a.issuer)
	if err != nil {
		return nil, nil, err
	}
	return p, &oauth2.Config{
		ClientID: a.clientID, ClientSecret: a.secret, Endpoint: p.Endpoint(), RedirectURL: a.url + "/callback",
		Scopes: []string{oidc.ScopeOpenID, "profile", "email"},
	}, nil
}

// login sends the browser to the server.
func (a *app) login(w http.ResponseWriter, r *http.Request) {
	_, config, err := a.provider(r.Context())
	if err != nil {
		a.fail(w, err)
		return
	}
	flow := url.Values{"state": {random()}, "nonce": {random()}, "verifier": {oauth2.GenerateVerifier()}}
	a.setCookie(w, flowCookie, flow.Encode(), 10*time.Minute)
	http.Redirect(w, r, config.AuthCodeURL(flow.Get("state"),
		oidc.Nonce(flow.Get("nonce")), oauth2.S256ChallengeOption(flow.Get("verifier"))), http.StatusSeeOther)
}

// callback receives the answer of the server, and exchanges the code for tokens.
func (a *app) callback(w http.ResponseWriter, r *http.Request) {
	flow := url.Values{}
	if cookie, err := r.Cookie(flowCookie); err == nil {
		flow, _ = url.ParseQuery(cookie.Value) // a damaged cookie has no state that matches
	}
	a.setCookie(w, flowCookie, "", -time.Second)
	answer := r.URL.Query()
	switch {
	case flow.Get("state") == "" || answer.Get("state") != flow.Get("state"):
		a.fail(w, errors.New("this answer belongs to no sign-in that this browser began: sign in again"))
		return
	case answer.Get("iss") != a.issuer: // RFC 9207: matters to applications that know several servers
		a.fail(w, errors.New("this answer is of another server"))
		return
	case answer.Get("error") != "":
		a.fail(w, fmt.Errorf("%s: %s", answer.Get("error"), answer.Get("error_description")))
		return
	}
	provider, config, err := a.provider(r.Context())
	if err != nil {
		a.fail(w, err)
		return
	}
	tokens, err := config.Exchange(r.Context(), answer.Get("code"), oauth2.VerifierOption(flow.Get("verifier")))
	if err != nil {
		a.fail(w, err)
		return
	}
	s, err := a.open(r.Context(), provider, tokens, flow.Get("nonce"))
	if err != nil {
		a.fail(w, err)
		return
	}
	a.begin(w, r, s)
	http.Redirect(w, r, "/", http.StatusSeeOther)
}

// open verifies the ID token, and gets the claims of the person.
func (a *app) open(ctx context.Context, p *oidc.Provider, tokens *oauth2.Token, nonce string) (*session, error) {
	raw, _ := tokens.Extra("id_token").(string)
	id, err := p.VerifierContext(ctx, &oidc.Config{ClientID: a.clientID}).Verify(ctx, raw)
	if err != nil {
		return nil, err
	}
	if id.Nonce != nonce {
		return nil, errors.New("the ID token belongs to another sign-in")
	}
	info, err := p.UserInfo(ctx, oauth2.StaticTokenSource(tokens))
	if err != nil {
		return nil, err
	}
	s := &session{idToken: raw, tokens: tokens}
	return s, info.Claims(&s.person)
}

// refresh gets new tokens now. An application that only calls APIs leaves that to the HTTP
// client of oauth2.Config.Client, which refreshes when the access token has expired.
func (a *app) refresh(w http.ResponseWriter, r *http.Request) {
	s := a.session(r)
	if s == nil {
		http.Redirect(w, r, "/", http.StatusSeeOther)
		return
	}
	provider, config, err := a.provider(r.Context())
	if err != nil {
		a.fail(w, err)
		return
	}
	tokens, err := config.TokenSource(r.Context(), &oauth2.Token{RefreshToken: s.tokens.RefreshToken}).Token()
	if err == nil {
		_, err = provider.UserInfo(r.Context(), oauth2.StaticTokenSource(tokens))
	}
	if err != nil { // the session ended at the server: the person signs in again
		a.end(w, r)
		a.fail(w, err)
		return
	}
	a.begin(w, r, &session{person: s.person, idToken: s.idToken, tokens: tokens, refreshed: s.refreshed + 1})
	http.Redirect(w, r, "/", http.StatusSeeOther)
}

// logout ends the session here, and then at the server (OpenID Connect RP-Initiated Logout).
func (a *app) logout(w http.ResponseWriter, r *http.Request) {
	s := a.session(r)
	a.end(w, r)
	provider, _, err := a.provider(r.Context())
	if err != nil {
		a.fail(w, err)
		return
	}
	var metadata struct {
		EndSession string `json:"end_session_endpoint"`
	}
	if err := provider.Claims(&metadata); err != nil || s == nil {
		http.Redirect(w, r, "/", http.StatusSeeOther)
		return
	}
	query := url.Values{"id_token_hint": {s.idToken}, "post_logout_redirect_uri": {a.url + "/"}}
	http.Redirect(w, r, metadata.EndSession+"?"+query.Encode(), http.StatusSeeOther)
}
