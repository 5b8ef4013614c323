package blackbox

import (
	"context"
	"net/url"
	"strings"
	"testing"
	"time"

	"golang.org/x/oauth2"

	"authserver/test/browser"
	"authserver/test/harness"
)

const appCallback = "http://127.0.0.1:9/callback"

// signInSite is a deployment with an app and two replicas. Plain http is only for this machine, and
// a browser sends its cookie to both replicas.
func signInSite(t *testing.T, d *harness.Deployment) (one, two *harness.Server, app *oauth2.Config) {
	t.Helper()
	f := register(t, d)
	d.Set("ISSUER", "http://127.0.0.1:8080")
	registered := f.client("web-app", "--grant", "authorization_code", "--grant", "refresh_token",
		"--scope", "read", "--scope", "write", "--resource", apiRS256, "--redirect-uri", appCallback)
	one, two = d.Start(), d.Start()
	return one, two, &oauth2.Config{
		ClientID: registered.ID, ClientSecret: registered.Secret, RedirectURL: appCallback, Scopes: []string{"read"},
		Endpoint: oauth2.Endpoint{AuthURL: one.URL + "/oauth2/authorize", TokenURL: one.URL + "/oauth2/token", AuthStyle: oauth2.AuthStyleInHeader},
	}
}

// begin is the path at which an app sends the browser to the server.
func begin(t *testing.T, app *oauth2.Config, state string, options ...oauth2.AuthCodeOption) string {
	t.Helper()
	u, err := url.Parse(app.AuthCodeURL(state, options...))
	if err != nil {
		t.Fatal(err)
	}
	return u.RequestURI()
}

// An app with another library than ours signs a person in, gets tokens and refreshes them.
func TestSignInByALibrary(t *testing.T) {
	t.Parallel()
	harness.OnBoth(t, func(t *testing.T, d *harness.Deployment) {
		t.Parallel()
		one, _, app := signInSite(t, d)
		b := browser.New(t, one.URL)
		verifier := oauth2.GenerateVerifier()
		consent := b.SignIn(b.Open(begin(t, app, "a state", oauth2.S256ChallengeOption(verifier))), "alice", alicePassword)
		answer := b.Approve(consent).Sent(t, appCallback+"?code=")
		if answer.Get("state") != "a state" || answer.Get("iss") != "http://127.0.0.1:8080" {
			t.Fatalf("answered %v", answer)
		}
		token, err := app.Exchange(t.Context(), answer.Get("code"), oauth2.VerifierOption(verifier))
		if err != nil {
			t.Fatal(err)
		}
		first := token.RefreshToken
		token.Expiry = time.Now().Add(-time.Hour)
		refreshed, err := app.TokenSource(t.Context(), token).Token()
		if err != nil || refreshed.RefreshToken == first {
			t.Fatalf("refreshed to %v, %v", refreshed, err)
		}
		// The code is good once, and its second use ends the tokens of the first (RFC 6749 §4.1.2).
		if _, err := app.Exchange(t.Context(), answer.Get("code"), oauth2.VerifierOption(verifier)); err == nil {
			t.Error("the code is good twice")
		}
		if _, err := app.TokenSource(context.Background(), &oauth2.Token{RefreshToken: refreshed.RefreshToken}).Token(); err == nil {
			t.Error("the refresh token lives on")
		}
		// The log contains nothing that is worth stealing.
		for what, secret := range map[string]string{
			"the password": alicePassword, "the code": answer.Get("code"), "the state": "a state", "the refresh token": first, "the cookie": b.Client.Jar.Cookies(consent.URL)[0].Value,
		} {
			if strings.Contains(one.Logs(), secret) {
				t.Errorf("the log has %s", what)
			}
		}
	})
}

// A sign-in continues at another replica, and after a restart, and both replicas accept one
// session.
func TestSignInGoesOnElsewhere(t *testing.T) {
	t.Parallel()
	harness.OnBoth(t, func(t *testing.T, d *harness.Deployment) {
		t.Parallel()
		one, two, app := signInSite(t, d)
		verifier := oauth2.GenerateVerifier()
		b := browser.New(t, one.URL)
		login := b.Open(begin(t, app, "s", oauth2.S256ChallengeOption(verifier)))
		b.Base = two.URL
		consent := b.SignIn(login, "alice", alicePassword)
		one.Kill()
		two.Stop()
		three := d.Start()
		b.Base = three.URL
		code := b.Approve(consent).Sent(t, appCallback).Get("code")
		app.Endpoint.TokenURL = three.URL + "/oauth2/token"
		if _, err := app.Exchange(t.Context(), code, oauth2.VerifierOption(verifier)); err != nil {
			t.Error(err)
		}
		// The same browser needs no page any more, at either replica.
		b.Open(begin(t, app, "s", oauth2.S256ChallengeOption(verifier), oauth2.SetAuthURLParam("prompt", "none"))).Sent(t, appCallback+"?code=")
		d.Run("user", "update", "alice", "--disabled")
		told := b.Open(begin(t, app, "s", oauth2.S256ChallengeOption(verifier), oauth2.SetAuthURLParam("prompt", "none"))).Sent(t, appCallback)
		if told.Get("error") != "login_required" {
			t.Errorf("a disabled user is signed in: %v", told)
		}
	})
}
