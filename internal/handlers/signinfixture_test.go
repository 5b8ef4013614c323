package handlers

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"net/url"
	"sync"
	"time"

	"authserver/internal/authorize"
	"authserver/internal/grants"
	"authserver/internal/logins"
	"authserver/internal/oauth"
	"authserver/internal/oidc"
	"authserver/internal/pages"
	"authserver/internal/passwords"
	"authserver/internal/store"
	"authserver/internal/store/storetest"
	"authserver/internal/tokens"
	"authserver/internal/trust/assertions"
	"authserver/internal/web"
	"authserver/test/browser"
)

const (
	appCallback     = "https://app.example.com/callback?tenant=1"
	appLoggedOut    = "https://app.example.com/signed-out?tenant=1"
	spaCallback     = "http://127.0.0.1:8090/callback"
	privateCallback = "https://private.example.com/cb"
	legacyCallback  = "https://legacy.example.com/cb"
	codeLife        = time.Minute
	sessionIdle     = time.Hour
	sessionMost     = 24 * time.Hour
	refreshIdle     = time.Hour
	refreshMost     = 24 * time.Hour
)

// ownPages are the built-in pages, read once for all sites.
var ownPages = sync.OnceValues(func() (*pages.Renderer, error) { return pages.Open("", "") })

// signIn has everything for a sign-in, over plain http, because httptest supports nothing else
// here.
func (s *site) signIn(issuing grants.Issuing, hints oidc.Hints, codec *tokens.RefreshCodec, hasher *passwords.Hasher) *SignIn {
	s.Helper()
	renderer, err := ownPages()
	s.ok(err)
	written, err := web.NewPages(renderer, issuer)
	s.ok(err)
	return &SignIn{
		Authorizer: &authorize.Authorizer{
			Issuer: issuer, Clients: s.db, Targets: issuing.Targets, Consents: s.db, Families: s.db, Uses: s.db,
			Objects: &assertions.RequestObjects{Verifier: &assertions.Verifier{Skew: time.Minute, Opener: plainBox{}}, Issuer: issuer},
			Tokens:  &grants.FrontChannel{Issuing: issuing}, IDTokens: issuing.IDTokens,
			Prompts: []authorize.Prompt{authorize.LoginPrompt{FreshFor: 10 * time.Minute, Subjects: hints}, authorize.StepUpPrompt{}, authorize.AccountPrompt{}, authorize.ConsentPrompt{}},
			Codes:   &tokens.CodeCodec{Keys: codec.Keys}, Envelope: authorize.NewEnvelope(tokens.Envelope{Keys: codec.Keys, Rand: rand.Reader}),
			Pushed:  authorize.NewPushedEnvelope(tokens.Envelope{Keys: codec.Keys, Rand: rand.Reader}),
			CodeTTL: codeLife, MaxTTL: maxTTL, Rand: rand.Reader,
		},
		Sessions: s.browsers,
		Password: logins.Password{Users: s.db, Verifier: hasher, Guard: s.guard}, Devices: &tokens.DeviceCookies{Keys: codec.Keys, Rand: rand.Reader}, Pages: written, Limit: 10 * time.Second, Now: s.clock,
	}
}

// people registers two apps and a second person.
func (s *site) people() {
	s.Helper()
	ctx, at := s.Context(), store.At(began.Add(-time.Hour))
	sum := sha256.Sum256([]byte(secret))
	for _, c := range []store.Client{
		{ID: "web-app", Name: "The Web App", RedirectURIs: []string{appCallback}, PostLogoutRedirectURIs: []string{appLoggedOut, "com.example.app:/signed-out"}, Scopes: oauth.Scope{"openid", "profile", "read", "write", "offline_access"}},
		{ID: "spa", RedirectURIs: []string{spaCallback}, AuthMethods: []oauth.AuthMethod{oauth.AuthNone}, Scopes: oauth.Scope{"openid", "read"}},
		{ID: "second", PostLogoutRedirectURIs: []string{"https://second.example.com/out"}, RedirectURIs: []string{"https://second.example.com/cb"}, Consent: store.ConsentNever, PKCEOptional: true, Scopes: oauth.Scope{"openid", "read"}},
		{ID: "careful", RedirectURIs: []string{"https://careful.example.com/cb"}, Consent: store.ConsentAlways, Scopes: oauth.Scope{"openid", "read"}},
		{ID: "private", RedirectURIs: []string{privateCallback}, Consent: store.ConsentNever, SubjectType: store.SubjectPairwise, ResponseTypes: store.ResponseTypes(), Scopes: oauth.Scope{"openid", "read"}},
		{ID: "neighbour", RedirectURIs: []string{"https://private.example.com/other"}, Consent: store.ConsentNever, SubjectType: store.SubjectPairwise, Scopes: oauth.Scope{"openid", "read"}},
		{ID: "stranger", RedirectURIs: []string{"https://stranger.example.com/cb"}, Consent: store.ConsentNever, SubjectType: store.SubjectPairwise, Scopes: oauth.Scope{"openid", "read"}},
		{ID: "legacy", RedirectURIs: []string{legacyCallback}, Consent: store.ConsentNever, ResponseTypes: store.ResponseTypes(), Scopes: oauth.Scope{"openid", "profile", "read", "offline_access"}},
	} {
		if c.AuthMethods == nil {
			c.AuthMethods = []oauth.AuthMethod{oauth.AuthBasic, oauth.AuthPost}
			c.Secrets = []store.ClientSecret{{ID: "1", Kind: store.SecretSHA256, Hash: sum[:], CreatedAt: at}}
		}
		c.Grants, c.Resources = []oauth.GrantType{oauth.AuthorizationCode, oauth.RefreshToken}, []string{apiID}
		c.RefreshIdle, c.RefreshMax, c.CreatedAt, c.UpdatedAt = refreshIdle, refreshMost, at, at
		s.ok(s.db.CreateClient(ctx, c, storetest.By()))
	}
	hash, err := s.hash(ctx, "the password of bob")
	s.ok(err)
	s.ok(s.db.CreateUser(ctx, store.User{ID: "0199a6f4-0000-7000-8000-000000000002", Username: "bob", PasswordHash: hash, CreatedAt: at, UpdatedAt: at}, storetest.By()))
}

// browser returns the browser of a person.
func (s *site) browser(base string) *browser.Browser { return browser.New(s.TB, base) }

// verifier is the PKCE verifier, and challenge belongs to it (RFC 7636 appendix B).
const verifier = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"

func challenge() string {
	hash := sha256.Sum256([]byte(verifier))
	return base64.RawURLEncoding.EncodeToString(hash[:])
}

// authorization returns the path of a good request with changes: name, value; an empty value
// removes the parameter.
func authorization(client string, changes ...string) string {
	callback := map[string]string{
		"web-app": appCallback, "spa": spaCallback, "second": "https://second.example.com/cb", "careful": "https://careful.example.com/cb", "legacy": legacyCallback,
		"private": privateCallback, "neighbour": "https://private.example.com/other", "stranger": "https://stranger.example.com/cb",
	}[client]
	query := url.Values{
		"response_type": {"code"}, "client_id": {client}, "redirect_uri": {callback}, "state": {"the state"}, "scope": {"openid read"},
		"code_challenge": {challenge()}, "code_challenge_method": {"S256"}, "nonce": {"the nonce"},
	}
	for i := 0; i < len(changes); i += 2 {
		query.Set(changes[i], changes[i+1])
		if changes[i+1] == "" {
			query.Del(changes[i])
		}
	}
	return AuthorizePath + "?" + query.Encode()
}
