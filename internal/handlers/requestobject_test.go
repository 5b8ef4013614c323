package handlers

import (
	"crypto/ecdsa"
	"encoding/base64"
	"maps"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"authserver/internal/oauth"
	"authserver/internal/store"
	"authserver/internal/store/storetest"
	"authserver/internal/testkit"
)

const signerCallback = "https://signer.example.com/cb"

// signers registers clients that sign their requests, and returns their key.
func (s *site) signers() *ecdsa.PrivateKey {
	s.Helper()
	key, at := testkit.P256(s), store.At(began.Add(-time.Hour))
	jwks := testkit.JWKS(s, testkit.JWK(s, key.Public(), map[string]any{"alg": "ES256", "kid": "1"}))
	for id, client := range map[string]store.Client{"signer": {}, "strict": {RequireSignedRequestObject: true}} {
		client.ID, client.JWKS, client.AuthMethods = id, jwks, []oauth.AuthMethod{oauth.AuthNone}
		client.RedirectURIs, client.Consent = []string{signerCallback}, store.ConsentNever
		client.Grants, client.Scopes, client.Resources = []oauth.GrantType{oauth.AuthorizationCode}, oauth.Scope{"openid", "read"}, []string{apiID}
		client.RefreshIdle, client.RefreshMax, client.CreatedAt, client.UpdatedAt = time.Hour, 24*time.Hour, at, at
		s.ok(s.db.CreateClient(s.Context(), client, storetest.By()))
	}
	return key
}

// requestClaims returns the claims of a good request object with changes; nil removes a claim.
func requestClaims(client string, changes map[string]any) map[string]any {
	claims := map[string]any{
		"iss": client, "aud": issuer, "exp": began.Add(time.Minute).Unix(), "client_id": client, "response_type": "code", "redirect_uri": signerCallback,
		"scope": "openid read", "state": "signed state", "nonce": "signed nonce", "code_challenge": challenge(), "code_challenge_method": "S256", "max_age": 3600,
	}
	maps.Copy(claims, changes)
	maps.DeleteFunc(claims, func(_ string, value any) bool { return value == nil })
	return claims
}

func withObject(object string, others ...string) string {
	query := url.Values{"client_id": {"signer"}, "request": {object}}
	for i := 0; i < len(others); i += 2 {
		query.Set(others[i], others[i+1])
	}
	return AuthorizePath + "?" + query.Encode()
}

// RFC 9101 §6, OpenID Connect Core §6.1: the parameters are those of the object, whatever else the
// request contains.
func TestRequestObject(t *testing.T) {
	s, b, v := people(t)
	key := s.signers()
	object := testkit.JWS(t, "ES256", key, map[string]any{"alg": "ES256", "kid": "1", "typ": "oauth-authz-req+jwt"}, requestClaims("signer", nil))
	login := b.Open(withObject(object, "state", "loose", "scope", "openid read write", "redirect_uri", "https://evil.example/", "prompt", "none", "response_type", "token", "max_age", "x"))
	if login.URL.Path != LoginPath {
		t.Fatalf("at %v: %s", login.URL, login.Body)
	}
	s.wait(10 * time.Minute) // the object expires while the person signs in
	answer := b.SignIn(login, "alice", password).Sent(t, signerCallback)
	if answer.Get("state") != "signed state" || answer.Get("code") == "" {
		t.Fatalf("answered %v", answer)
	}
	got := v.token("signer", "", "grant_type", "authorization_code", "code", answer.Get("code"), "redirect_uri", signerCallback, "code_verifier", verifier).json(t)
	if got["scope"] != "openid read" || decoded(t, got["id_token"].(string))["nonce"] != "signed nonce" {
		t.Errorf("the code is exchanged for %v", got)
	}
	fresh := testkit.JWS(t, "ES256", key, map[string]any{"alg": "ES256", "kid": "1"}, requestClaims("signer", map[string]any{
		"exp": nil, "aud": []string{"https://other.example.com", issuer}, "claims": map[string]any{"id_token": map[string]any{"acr": map[string]any{"essential": true, "value": "9"}}},
	}))
	if got := b.Open(withObject(fresh)).Sent(t, signerCallback); got.Get("error") != "unmet_authentication_requirements" {
		t.Errorf("claims as an object: answered %v", got)
	}
	// The object works by POST, and also in a pushed request (RFC 9126 §3).
	pushed := testkit.JWS(t, "ES256", key, map[string]any{"alg": "ES256", "kid": "1"}, requestClaims("strict", map[string]any{"exp": nil}))
	posted := b.Follow(http.MethodPost, b.Base+AuthorizePath, url.Values{"client_id": {"strict"}, "request": {pushed}}.Encode())
	if got := posted.Sent(t, signerCallback); got.Get("code") == "" {
		t.Errorf("by POST: answered %v", got)
	}
	uri := v.post(PushPath, "strict", "", "request", pushed, "state", "loose").text(t, "request_uri")
	if got := b.Open(AuthorizePath+"?"+url.Values{"client_id": {"strict"}, "request_uri": {uri}, "state": {"looser"}}.Encode()).Sent(t, signerCallback); got.Get("code") == "" || got.Get("state") != "signed state" {
		t.Errorf("pushed: answered %v", got)
	}
}

// RFC 9101 §10, OpenID Connect Core §16: the server refuses objects that are not a request of the
// client, and tells the client if possible.
func TestRequestObjectRefused(t *testing.T) {
	s, b, v := people(t)
	key, other := s.signers(), testkit.P256(t)
	b.SignIn(b.Open(authorization("second")), "alice", password)
	sign := func(changes map[string]any) string {
		return testkit.JWS(t, "ES256", key, map[string]any{"alg": "ES256", "kid": "1"}, requestClaims("signer", changes))
	}
	none := base64.RawURLEncoding.EncodeToString([]byte(`{"alg":"none"}`)) + "." + strings.Split(sign(nil), ".")[1] + "."
	for _, test := range []struct {
		name, object string
		code         oauth.Code
	}{
		{"alg none", none, "request_not_supported"},
		{"another key under the kid of the client's", testkit.JWS(t, "ES256", other, map[string]any{"alg": "ES256", "kid": "1"}, requestClaims("signer", nil)), "invalid_request_object"},
		{"a key that comes with it", testkit.JWS(t, "ES256", other, map[string]any{"alg": "ES256", "jwk": testkit.JWK(t, other.Public(), nil)}, requestClaims("signer", nil)), "invalid_request_object"},
		{"the public key as a shared secret", testkit.JWS(t, "HS256", []byte(testkit.JWK(t, key.Public(), nil)), map[string]any{"alg": "HS256", "kid": "1"}, requestClaims("signer", nil)), "invalid_request_object"},
		{"another client's", sign(map[string]any{"iss": "strict"}), "invalid_request_object"},
		{"for another client", sign(map[string]any{"client_id": "strict"}), "invalid_request_object"},
		{"for another server", sign(map[string]any{"aud": "https://other.example.com"}), "invalid_request_object"},
		{"for no server", sign(map[string]any{"aud": nil}), "invalid_request_object"},
		{"of no client", sign(map[string]any{"iss": nil}), "invalid_request_object"},
		{"one that expired", sign(map[string]any{"exp": began.Add(-time.Hour).Unix()}), "invalid_request_object"},
		{"one that is not valid yet", sign(map[string]any{"nbf": began.Add(time.Hour).Unix()}), "invalid_request_object"},
		{"one that would prove the client", sign(map[string]any{"sub": "signer"}), "invalid_request_object"},
		{"one in it", sign(map[string]any{"request": "x"}), "invalid_request_object"},
		{"a reference in it", sign(map[string]any{"request_uri": "https://signer.example.com/"}), "invalid_request_object"},
		{"an access token's type", testkit.JWS(t, "ES256", key, map[string]any{"alg": "ES256", "typ": "at+jwt"}, requestClaims("signer", nil)), "invalid_request_object"},
		{"no JWT", "x", "invalid_request_object"},
		{"one without a response type", sign(map[string]any{"response_type": nil}), "invalid_request"},
		{"one with a parameter that is wrong", sign(map[string]any{"prompt": "dance"}), "invalid_request"},
	} {
		t.Run(test.name, func(t *testing.T) {
			got := b.Open(withObject(test.object, "response_type", "code", "redirect_uri", signerCallback, "state", "s")).Sent(t, signerCallback)
			if got.Get("error") != string(test.code) || got.Has("code") || got.Get("iss") != issuer {
				t.Errorf("answered %v", got)
			}
			v := v
			v.TB = t
			v.refused(v.post(PushPath, "signer", "", "request", test.object), http.StatusBadRequest, test.code)
		})
	}
	evil := sign(map[string]any{"redirect_uri": "https://evil.example/"})
	if page := b.Open(withObject(evil, "redirect_uri", signerCallback)); page.Left != nil || page.Status != http.StatusBadRequest {
		t.Errorf("a redirect URI that is not registered: %v", page.Left)
	}
	if page := b.Open(withObject("x", "redirect_uri", "https://evil.example/")); page.Left != nil || page.Status != http.StatusBadRequest {
		t.Errorf("a bad object beside a redirect URI that is not registered: %v", page.Left)
	}
	loose := strings.Replace(authorization("second"), "client_id=second", "client_id=strict", 1)
	loose = strings.Replace(loose, url.QueryEscape("https://second.example.com/cb"), url.QueryEscape(signerCallback), 1)
	if got := b.Open(loose).Sent(t, signerCallback); got.Get("error") != "invalid_request" || got.Has("code") {
		t.Errorf("parameters of a client that has to sign them: answered %v", got)
	}
	if got := b.Open(withObject(sign(nil), "redirect_uri", signerCallback, "request_uri", "https://x.example/")).Sent(t, signerCallback); got.Get("error") != "invalid_request" {
		t.Errorf("both request and request_uri: answered %v", got)
	}
}
