package blackbox

import (
	"context"
	"net"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/oauth2"

	"authserver/test/browser"
	"authserver/test/harness"
)

// reach returns a context whose requests to the issuer arrive at the server.
func reach(t *testing.T, s *harness.Server) context.Context {
	t.Helper()
	u, err := url.Parse(s.URL)
	if err != nil {
		t.Fatal(err)
	}
	transport := &http.Transport{DialContext: func(ctx context.Context, network, _ string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, network, u.Host)
	}}
	t.Cleanup(transport.CloseIdleConnections)
	return oidc.ClientContext(t.Context(), &http.Client{Transport: transport})
}

// An app whose library knows nothing but the issuer signs a person in, verifies the ID token,
// asks userinfo, and refreshes (OpenID Connect Core §3.1, §5.3, §12).
func TestOpenIDByALibrary(t *testing.T) {
	t.Parallel()
	harness.OnBoth(t, func(t *testing.T, d *harness.Deployment) {
		t.Parallel()
		one, two, app := signInSite(t, d)
		d.Run("client", "update", "web-app", "--scope", "openid", "--scope", "email", "--scope", "profile", "--scope", "read", "--scope", "write")
		d.Run("user", "update", "alice", "--email", "alice@example.com", "--name", "Alice Liddell", "--email-verified")
		ctx := reach(t, two)
		provider, err := oidc.NewProvider(ctx, "http://127.0.0.1:8080")
		if err != nil {
			t.Fatal(err)
		}
		app.Endpoint, app.Scopes = provider.Endpoint(), []string{"openid", "email", "read"}
		token := tokensByLibrary(ctx, t, browser.New(t, one.URL), app)
		raw, _ := token.Extra("id_token").(string)
		idToken, err := provider.Verifier(&oidc.Config{ClientID: "web-app"}).Verify(ctx, raw)
		if err != nil {
			t.Fatal(err)
		}
		if err := idToken.VerifyAccessToken(token.AccessToken); err != nil || idToken.Nonce != "a nonce" {
			t.Errorf("the ID token has the nonce %q, and its at_hash: %v", idToken.Nonce, err)
		}
		info, err := provider.UserInfo(ctx, oauth2.StaticTokenSource(token))
		if err != nil || info.Subject != idToken.Subject || info.Email != "alice@example.com" || !info.EmailVerified {
			t.Fatalf("userinfo says %+v, %v", info, err)
		}
		claims := map[string]any{}
		if err := info.Claims(&claims); err != nil || claims["name"] != nil {
			t.Errorf("userinfo says %v without the scope profile, %v", claims, err)
		}
		refreshed, err := app.TokenSource(ctx, &oauth2.Token{RefreshToken: token.RefreshToken}).Token()
		if err != nil {
			t.Fatal(err)
		}
		raw, _ = refreshed.Extra("id_token").(string)
		if again, err := provider.Verifier(&oidc.Config{ClientID: "web-app"}).Verify(ctx, raw); err != nil || again.Subject != idToken.Subject || again.Nonce != "" {
			t.Errorf("refreshed to %+v, %v", again, err)
		}
		d.Run("user", "update", "alice", "--disabled")
		harness.Eventually(t, 20*time.Second, "userinfo refuses the token of a disabled user", func() bool {
			_, err := provider.UserInfo(ctx, oauth2.StaticTokenSource(refreshed))
			return err != nil && strings.HasPrefix(err.Error(), "401")
		})
	})
}

// tokensByLibrary has alice sign in to an app with a browser, and returns what the code buys. Its
// nonce is "a nonce".
func tokensByLibrary(ctx context.Context, t *testing.T, b *browser.Browser, app *oauth2.Config) *oauth2.Token {
	t.Helper()
	verifier := oauth2.GenerateVerifier()
	login := b.Open(begin(t, app, "a state", oauth2.S256ChallengeOption(verifier), oidc.Nonce("a nonce")))
	code := b.Approve(b.SignIn(login, "alice", alicePassword)).Sent(t, appCallback).Get("code")
	token, err := app.Exchange(ctx, code, oauth2.VerifierOption(verifier))
	if err != nil {
		t.Fatal(err)
	}
	return token
}
