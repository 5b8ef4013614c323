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
	"github.com/google/go-cmp/cmp"
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

// An app whose library only knows the issuer signs a person in, verifies the ID token, calls
// userinfo, and refreshes (OpenID Connect Core §3.1, §5.3, §12).
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

// A client that is registered for it gets the claims of the granted scopes in its ID tokens, at the
// sign-in and at each refresh, and no others.
func TestIDTokenHasTheClaimsOfTheScopes(t *testing.T) {
	t.Parallel()
	harness.OnBoth(t, func(t *testing.T, d *harness.Deployment) {
		t.Parallel()
		one, two, app := signInSite(t, d)
		d.Run("client", "update", "web-app", "--consent", "always", "--id-token-scope-claims", "--scope", "openid", "--scope", "profile",
			"--scope", "email", "--scope", "address", "--scope", "phone", "--scope", "read")
		d.Run("user", "update", "alice", "--email", "alice@example.com", "--email-verified", "--name", "Alice Liddell",
			"--phone-number", "+441865276492", "--locality", "Oxford")
		ctx := reach(t, two)
		provider, err := oidc.NewProvider(ctx, "http://127.0.0.1:8080")
		if err != nil {
			t.Fatal(err)
		}
		app.Endpoint = provider.Endpoint()
		told := func(token *oauth2.Token) map[string]any {
			t.Helper()
			raw, _ := token.Extra("id_token").(string)
			idToken, err := provider.Verifier(&oidc.Config{ClientID: "web-app"}).Verify(ctx, raw)
			if err != nil {
				t.Fatal(err)
			}
			claims := map[string]any{}
			if err := idToken.Claims(&claims); err != nil {
				t.Fatal(err)
			}
			got := map[string]any{}
			for _, name := range []string{"name", "preferred_username", "email", "email_verified", "phone_number", "address"} {
				if value, is := claims[name]; is {
					got[name] = value
				}
			}
			return got
		}
		all := map[string]any{
			"name": "Alice Liddell", "preferred_username": "alice", "email": "alice@example.com", "email_verified": true,
			"phone_number": "+441865276492", "address": map[string]any{"locality": "Oxford"},
		}
		ofEmail := map[string]any{"email": "alice@example.com", "email_verified": true}
		for name, c := range map[string]struct {
			scopes []string
			want   map[string]any
		}{
			"every scope":    {[]string{"openid", "profile", "email", "address", "phone", "read"}, all},
			"one of them":    {[]string{"openid", "email", "read"}, ofEmail},
			"none beside it": {[]string{"openid", "read"}, map[string]any{}},
		} {
			t.Run(name, func(t *testing.T) {
				app := *app
				app.Scopes = c.scopes
				token := tokensByLibrary(ctx, t, browser.New(t, one.URL), &app)
				if diff := cmp.Diff(c.want, told(token)); diff != "" {
					t.Errorf("the ID token of the sign-in: %s", diff)
				}
				refreshed, err := app.TokenSource(ctx, &oauth2.Token{RefreshToken: token.RefreshToken}).Token()
				if err != nil {
					t.Fatal(err)
				}
				if diff := cmp.Diff(c.want, told(refreshed)); diff != "" {
					t.Errorf("the ID token of the refresh: %s", diff)
				}
			})
		}
	})
}

// tokensByLibrary signs alice in to an app with a browser, and returns the tokens for the code. The
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
