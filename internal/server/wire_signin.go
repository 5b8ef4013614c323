package server

import (
	"crypto/rand"
	"time"

	"authserver/internal/admission"
	"authserver/internal/authorize"
	"authserver/internal/config"
	"authserver/internal/grants"
	"authserver/internal/handlers"
	"authserver/internal/logins"
	"authserver/internal/oidc"
	"authserver/internal/sessions"
	"authserver/internal/store"
	"authserver/internal/tokens"
	"authserver/internal/trust/assertions"
	"authserver/internal/web"
)

// Waits and bounds of a sign-in.
const (
	codeTTL = time.Minute // of an authorization code (RFC 6749 §4.1.2 recommends at most ten)
	// signInFreshFor is the time that a person has from the sign-in to the last page, however short
	// max_age is.
	signInFreshFor = 10 * time.Minute
)

// signInStore is what a sign-in reads and changes.
type signInStore interface {
	store.Sessions
	store.Consents
	store.Families
	store.Deliveries
	useStore
}

// signInParts is what the endpoints of people are made of.
type signInParts struct {
	store    signInStore
	cached   *store.Cached
	issuing  grants.Issuing
	verifier *assertions.Verifier // of request objects
	limits   algorithms
	ring     *keyring
	hints    oidc.Hints
	revoker  *tokens.Revoker
	login    logins.Password
	browsers *sessions.Sessions
	clock    store.Clock
	gates    map[string]*admission.Gate

	identity config.Identity
	tokens   config.AccessTokens
	pages    config.Pages
}

// wireSignIn makes the parts of a sign-in: the prompts have a line each, in the order in which they
// are asked.
func wireSignIn(p signInParts) (*handlers.SignIn, error) {
	written, err := openPages(p.identity, p.pages)
	if err != nil {
		return nil, err
	}
	keys := p.ring.refresh
	return &handlers.SignIn{
		Authorizer: &authorize.Authorizer{
			Issuer: p.identity.Issuer, Clients: p.cached, Targets: p.issuing.Targets, Consents: p.store, Families: p.store, Uses: p.store,
			Objects: &assertions.RequestObjects{Verifier: p.verifier, Issuer: p.identity.Issuer, Algorithms: p.limits.assertions},
			Tokens:  &grants.FrontChannel{Issuing: p.issuing}, IDTokens: p.issuing.IDTokens,
			Prompts: []authorize.Prompt{
				authorize.LoginPrompt{FreshFor: signInFreshFor, Subjects: p.hints},
				authorize.StepUpPrompt{},
				authorize.AccountPrompt{},
				authorize.ConsentPrompt{},
			},
			Codes: &tokens.CodeCodec{Keys: keys}, Envelope: authorize.NewEnvelope(tokens.Envelope{Keys: keys, Rand: rand.Reader}),
			Pushed:  authorize.NewPushedEnvelope(tokens.Envelope{Keys: keys, Rand: rand.Reader}),
			CodeTTL: codeTTL, MaxTTL: p.tokens.MaxAccessTokenTTL, Clock: p.clock, Rand: rand.Reader,
		},
		Sessions: p.browsers,
		Password: p.login, Pages: written, Cookie: handlers.Cookie{Secure: !overHTTP(p.identity)}, Devices: &tokens.DeviceCookies{Keys: keys, Rand: rand.Reader}, Base: web.IssuerPath(p.identity.Issuer),
		Gates: p.gates, Limit: web.RequestTimeout, Now: time.Now,
	}, nil
}
