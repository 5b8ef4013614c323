package blackbox

import (
	"crypto/ecdsa"
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	"github.com/go-jose/go-jose/v4"
	"golang.org/x/oauth2"

	"authserver/internal/testkit"
	"authserver/test/browser"
	"authserver/test/harness"
)

// decrypted decrypts a JWE with another library than the server's; ok is false if it is for another
// key.
func decrypted(token string, key *ecdsa.PrivateKey) (content string, ok bool) {
	parsed, err := jose.ParseEncryptedCompact(token, []jose.KeyAlgorithm{jose.ECDH_ES_A256KW}, []jose.ContentEncryption{jose.A128CBC_HS256})
	if err != nil {
		return "", false
	}
	plain, err := parsed.Decrypt(key)
	return string(plain), err == nil
}

// An app with an encryption key gets encrypted ID tokens and userinfo, changes the key while
// servers run, and verifies the content with a library (OpenID Connect Core §10.2, §16.14).
func TestEncryptedOpenIDByALibrary(t *testing.T) {
	t.Parallel()
	harness.OnBoth(t, func(t *testing.T, d *harness.Deployment) {
		t.Parallel()
		one, two, app := signInSite(t, d)
		first, second := testkit.P256(t), testkit.P256(t)
		d.Run("client", "update", "web-app", "--scope", "openid", "--scope", "read", "--encryption-jwk-file", d.File("first.jwk", string(testkit.JWK(t, first.Public(), nil))),
			"--id-token-encryption-alg", "ECDH-ES+A256KW", "--userinfo-encryption-alg", "ECDH-ES+A256KW")
		ctx := reach(t, two)
		provider, err := oidc.NewProvider(ctx, "http://127.0.0.1:8080")
		if err != nil {
			t.Fatal(err)
		}
		app.Endpoint, app.Scopes = provider.Endpoint(), []string{"openid", "read"}
		token := tokensByLibrary(ctx, t, browser.New(t, one.URL), app)
		// Each replica learns of the client by itself.
		arrives := func(what string, key *ecdsa.PrivateKey) (signed string) {
			harness.Eventually(t, 60*time.Second, what, func() bool {
				refreshed, err := app.TokenSource(ctx, &oauth2.Token{RefreshToken: token.RefreshToken}).Token()
				if err != nil {
					t.Fatal(err)
				}
				token = refreshed
				raw, _ := token.Extra("id_token").(string)
				var ok bool
				signed, ok = decrypted(raw, key)
				return ok
			})
			return signed
		}
		check := func(signed string) {
			idToken, err := provider.Verifier(&oidc.Config{ClientID: "web-app"}).Verify(ctx, signed)
			if err != nil {
				t.Fatal(err)
			}
			if err := idToken.VerifyAccessToken(token.AccessToken); err != nil {
				t.Errorf("its at_hash: %v", err)
			}
		}
		check(arrives("the ID token is encrypted", first))
		claims := map[string]any{}
		info, ok := decrypted(userinfo(t, two, token.AccessToken), first)
		if err := json.Unmarshal([]byte(info), &claims); !ok || err != nil || claims["sub"] == nil {
			t.Errorf("userinfo holds %q, %v", info, err)
		}
		d.Run("client", "update", "web-app", "--encryption-jwk-file", d.File("second.jwk", string(testkit.JWK(t, second.Public(), nil))), "--userinfo-alg", "ES256")
		check(arrives("the ID token is encrypted to the new key", second))
		info, ok = decrypted(userinfo(t, two, token.AccessToken), second)
		if !ok || strings.Count(info, ".") != 2 {
			t.Errorf("userinfo holds %q instead of a signed JWT", info)
		}
		if _, err := provider.Verifier(&oidc.Config{ClientID: "web-app"}).Verify(ctx, info); err == nil {
			t.Error("userinfo is taken for an ID token: it has an end")
		}
		d.Run("client", "update", "web-app", "--encryption-jwk-file", "")
		harness.Eventually(t, 60*time.Second, "userinfo is signed only", func() bool {
			return strings.Count(userinfo(t, two, token.AccessToken), ".") == 2
		})
	})
}

// userinfo returns the answer of the server, a JWT.
func userinfo(t *testing.T, s *harness.Server, accessToken string) string {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, s.URL+"/oauth2/userinfo", nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+accessToken)
	response, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil || response.StatusCode != http.StatusOK || response.Header.Get("Content-Type") != "application/jwt" {
		t.Fatalf("userinfo answers %d %q %s, %v", response.StatusCode, response.Header.Get("Content-Type"), body, err)
	}
	return string(body)
}
