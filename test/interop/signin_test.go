//go:build interop

package interop

import (
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/oauth2"

	"authserver/test/browser"
	"authserver/test/harness"
	"authserver/test/ports"
)

// people is the registrations of clients to which people sign in, in the form for the programs.
type people struct {
	Issuer      string  `json:"issuer"`
	Clients     []party `json:"clients"` // a confidential one, and a public one
	RedirectURI string  `json:"redirect_uri"`
	Home        string  `json:"home"`     // the post-logout redirect URI
	Loopback    string  `json:"loopback"` // where a desktop app may listen
	User        user    `json:"user"`
	// BrowseURL is a person with a browser. A POST of an address opens it, signs in and consents if
	// a page asks, and returns the address outside of the server to which the browser was sent. The
	// query "name" selects the browser.
	BrowseURL string `json:"browse_url"`

	mu       sync.Mutex
	browsers map[string]*browser.Browser
}

// signingIn returns the checks that every program must report, for each client.
func signingIn() []string {
	var names []string
	for _, client := range []string{"web", "native"} {
		for _, name := range []string{"signs in", "userinfo", "refreshes", "logs out"} {
			names = append(names, client+" "+name)
		}
	}
	return names
}

// TestPeopleSignIn: people sign in to clients with libraries of other authors.
func TestPeopleSignIn(t *testing.T) {
	programs := install(t).signInPrograms(t)
	harness.OnBoth(t, func(t *testing.T, d *harness.Deployment) {
		p := registerPeople(t, d)
		t.Run("go-oidc", func(t *testing.T) {
			for _, client := range p.Clients {
				t.Run(client.ID, func(t *testing.T) { p.goSignIn(t, client) })
			}
		})
		for _, program := range programs {
			t.Run(program.name, func(t *testing.T) { program.run(t, p) })
		}
	})
}

func (i installed) signInPrograms(t *testing.T) []program {
	t.Helper()
	zitadel := filepath.Join(t.TempDir(), "zitadel")
	run(t, "zitadel", "go", "build", "-o", zitadel, ".")
	modules := i.nodeFolder(t, "node/checks.mjs", "node/signin.mjs", "node/appauth.mjs", "node/xdg-open")
	return []program{
		{"openid-client", []string{"node", filepath.Join(modules, "signin.mjs")}, signingIn()},
		{"appauth", []string{"node", filepath.Join(modules, "appauth.mjs")}, signingIn()},
		{"authlib", []string{i.python, "python/signin.py"}, signingIn()},
		{"zitadel", []string{zitadel}, signingIn()},
		{"nimbus", i.java(t)("SignIn"), signingIn()},
	}
}

func registerPeople(t *testing.T, d *harness.Deployment) *people {
	t.Helper()
	address := ports.Address(t)
	d.Set("LISTEN", address)
	d.Set("ISSUER", "http://"+address)
	start(t, d)
	p := &people{
		Issuer: "http://" + address, RedirectURI: "http://127.0.0.1:9/callback", Home: "http://127.0.0.1:9/", Loopback: ports.Address(t),
		User: user{Username: "Zoë", Password: `pässwörd & 100% + "q" = ☃`}, browsers: map[string]*browser.Browser{},
	}
	made := d.JSON(p.User.Password+"\n", "user", "create", "--username", p.User.Username, "--email", email, "--email-verified", "--name", "Zoë Washburne", "--password-stdin")
	p.User.ID, _ = made["id"].(string)
	for id, flags := range map[string][]string{"web": nil, "native": {"--public"}} {
		made := d.JSON("", append([]string{"client", "create", "--id", id, "--grant", "authorization_code", "--grant", "refresh_token",
			"--scope", "openid", "--scope", "profile", "--scope", "email", "--redirect-uri", p.RedirectURI, "--post-logout-redirect-uri", p.Home}, flags...)...)
		secret, _ := made["client_secret"].(string)
		p.Clients = append(p.Clients, party{ID: id, Secret: secret})
	}
	person := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		address, err := io.ReadAll(r.Body)
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		end := p.browse(t, r.URL.Query().Get("name"), string(address))
		if end.Left == nil {
			http.Error(w, end.Body, http.StatusConflict)
			return
		}
		_, _ = io.WriteString(w, end.Left.String()) // if it fails, the program is gone
	}))
	t.Cleanup(person.Close)
	p.BrowseURL = person.URL
	return p
}

// browse opens an address, and does what the pages ask.
func (p *people) browse(t *testing.T, name, address string) browser.Page {
	t.Helper()
	p.mu.Lock()
	defer p.mu.Unlock()
	b := p.browsers[name]
	if b == nil {
		b = browser.New(t, p.Issuer)
		p.browsers[name] = b
	}
	page := b.Follow(http.MethodGet, address, "")
	if _, asked := page.IDs["password"]; asked {
		page = b.SignIn(page, p.User.Username, p.User.Password)
	}
	if _, asked := page.IDs["approve"]; asked {
		page = b.Approve(page)
	}
	if _, asked := page.IDs["logout-yes"]; asked {
		page = b.Send(page, "decision", "yes")
	}
	return page
}

// goSignIn is an application with golang.org/x/oauth2 and go-oidc.
func (p *people) goSignIn(t *testing.T, client party) {
	provider, err := oidc.NewProvider(t.Context(), p.Issuer)
	if err != nil {
		t.Fatal(err)
	}
	config := &oauth2.Config{
		ClientID: client.ID, ClientSecret: client.Secret, Endpoint: provider.Endpoint(), RedirectURL: p.RedirectURI,
		Scopes: []string{oidc.ScopeOpenID, "profile", "email"},
	}
	name, verifier := "go-oidc "+client.ID, oauth2.GenerateVerifier()
	signIn := func(options ...oauth2.AuthCodeOption) url.Values {
		options = append(options, oidc.Nonce("a nonce"), oauth2.S256ChallengeOption(verifier))
		return p.browse(t, name, config.AuthCodeURL("a state", options...)).Sent(t, p.RedirectURI)
	}
	answer := signIn()
	if answer.Get("state") != "a state" || answer.Get("iss") != p.Issuer {
		t.Fatalf("the answer is %v", answer)
	}
	tokens, err := config.Exchange(t.Context(), answer.Get("code"), oauth2.VerifierOption(verifier))
	if err != nil {
		t.Fatal(err)
	}
	raw, _ := tokens.Extra("id_token").(string)
	id, err := provider.Verifier(&oidc.Config{ClientID: client.ID}).Verify(t.Context(), raw)
	if err != nil {
		t.Fatal(err)
	}
	if err := id.VerifyAccessToken(tokens.AccessToken); err != nil || id.Subject != p.User.ID || id.Nonce != "a nonce" {
		t.Errorf("the ID token is about %s, with the nonce %s: %v", id.Subject, id.Nonce, err)
	}
	info, err := provider.UserInfo(t.Context(), oauth2.StaticTokenSource(tokens))
	if err != nil || info.Subject != p.User.ID || info.Email != email {
		t.Errorf("userinfo is %v, %v", info, err)
	}
	again, err := config.TokenSource(t.Context(), &oauth2.Token{RefreshToken: tokens.RefreshToken}).Token()
	if err != nil || again.RefreshToken == tokens.RefreshToken {
		t.Fatalf("refreshed to %v: %v", again, err)
	}
	if sso := signIn(oauth2.SetAuthURLParam("prompt", "none")); sso.Get("code") == "" {
		t.Errorf("no single sign-on: %v", sso)
	}
	var metadata struct {
		EndSession string `json:"end_session_endpoint"`
	}
	if err := provider.Claims(&metadata); err != nil {
		t.Fatal(err)
	}
	out := url.Values{"id_token_hint": {raw}, "post_logout_redirect_uri": {p.Home}, "state": {"out"}}
	if back := p.browse(t, name, metadata.EndSession+"?"+out.Encode()).Sent(t, p.Home); back.Get("state") != "out" {
		t.Errorf("the logout came back with %v", back)
	}
	if sso := signIn(oauth2.SetAuthURLParam("prompt", "none")); sso.Get("error") != "login_required" {
		t.Errorf("the session goes on: %v", sso)
	}
	_, err = config.TokenSource(t.Context(), &oauth2.Token{RefreshToken: again.RefreshToken}).Token()
	if err == nil || !strings.Contains(err.Error(), "invalid_grant") {
		t.Errorf("the refresh token of a session that ended: %v", err)
	}
}
