package handlers

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"authserver/internal/oauth"
	"authserver/internal/store"
	"authserver/internal/store/storetest"
)

// These requests of the OpenID Foundation's conformance suite succeed, and the answers have
// unchanged values of the requests. docs/conformance.md lists the test for each module.
func TestConformanceRequests(t *testing.T) {
	s, b, v := people(t)
	b.SignIn(b.Open(authorization("legacy")), "alice", password)
	long, longer := strings.Repeat("n", 384), strings.Repeat("s", 1000)
	for _, test := range []struct {
		name    string
		changes []string
		nonce   string
		state   string
	}{
		{"display=page", []string{"display", "page"}, "the nonce", "the state"},
		{"display=popup", []string{"display", "popup"}, "the nonce", "the state"},
		{"claims_locales", []string{"claims_locales", "se"}, "the nonce", "the state"},
		{"ui_locales", []string{"ui_locales", "se"}, "the nonce", "the state"},
		{"acr_values that are not known", []string{"acr_values", "a b 1"}, "the nonce", "the state"},
		{"an unknown parameter", []string{"extra", "foobar"}, "the nonce", "the state"},
		{"another order of the scopes", []string{"scope", "read openid"}, "the nonce", "the state"},
		{"no nonce", []string{"nonce", ""}, "", "the state"},
		{"no state", []string{"state", ""}, "the nonce", ""},
		{"a nonce of 384 characters", []string{"nonce", long}, long, "the state"},
		{"a state of 1000 characters", []string{"state", longer}, "the nonce", longer},
		{"max_age=10000", []string{"max_age", "10000"}, "the nonce", "the state"},
	} {
		t.Run(test.name, func(t *testing.T) {
			v := v
			v.TB = t
			got := b.Open(authorization("legacy", test.changes...)).Sent(t, legacyCallback+"?")
			tokens := v.token("legacy", secret, "grant_type", "authorization_code", "code", got.Get("code"), "redirect_uri", legacyCallback, "code_verifier", verifier).json(t)
			claims := decoded(t, tokens["id_token"].(string))
			if nonce, _ := claims["nonce"].(string); nonce != test.nonce || got.Get("state") != test.state || claims["acr"] != "1" {
				t.Errorf("answered %v, and the ID token says %v", got, claims)
			}
		})
	}
	s.wait(2 * time.Second)
	if page := b.Open(authorization("legacy", "max_age", "1")); page.URL.Path != LoginPath || page.Left != nil {
		t.Errorf("max_age=1 leads to %v %v", page.URL, page.Left)
	}
}

// A code can be exchanged once, also half a minute later (oidcc-codereuse-30seconds).
func TestCodeIsGoodOnceLater(t *testing.T) {
	s, b, v := people(t)
	code := b.SignIn(b.Open(authorization("legacy")), "alice", password).Sent(t, legacyCallback).Get("code")
	exchange := []string{"grant_type", "authorization_code", "code", code, "redirect_uri", legacyCallback, "code_verifier", verifier}
	access := v.token("legacy", secret, exchange...).text(t, "access_token")
	s.wait(30 * time.Second)
	v.refused(v.post(TokenPath, "legacy", secret, exchange...), http.StatusBadRequest, "invalid_grant")
	v.refused(v.do(http.MethodGet, UserinfoPath, "", map[string]string{"Authorization": "Bearer " + access}), http.StatusUnauthorized, oauth.InvalidToken)
}

// Each scope adds its claims to userinfo, and no others (OpenID Connect Core §5.4).
func TestScopesBringTheirClaims(t *testing.T) {
	s, b, v := people(t)
	user, err := s.db.User(t.Context(), aliceID)
	s.ok(err)
	user.Email = "alice@example.com"
	user.Profile = store.UserProfile{
		Name: "Alice", PhoneNumber: "+1 555", EmailVerified: true, Address: store.Address{Country: "Wonderland"},
	}
	s.ok(s.db.UpdateUser(t.Context(), user, storetest.By()))
	client, err := s.db.Client(t.Context(), "legacy")
	s.ok(err)
	client.Scopes = append(client.Scopes, "email", "address", "phone")
	s.ok(s.db.UpdateClient(t.Context(), client, storetest.By()))
	b.SignIn(b.Open(authorization("legacy")), "alice", password)
	all := map[string]string{"name": "profile", "email": "email", "email_verified": "email", "address": "address", "phone_number": "phone", "phone_number_verified": "phone"}
	for _, scope := range []string{"openid profile", "openid email", "openid address", "openid phone", "openid profile email address phone"} {
		token := fragment(t, b.Open(authorization("legacy", "response_type", "token", "scope", scope))).Get("access_token")
		info := v.do(http.MethodGet, UserinfoPath, "", map[string]string{"Authorization": "Bearer " + token}).json(t)
		for claim, of := range all {
			if has := info[claim] != nil; has != strings.Contains(scope, of) {
				t.Errorf("%s: %s is %v", scope, claim, info[claim])
			}
		}
	}
}

// The refusal of an unknown prompt names it (Initiating User Registration via OpenID Connect 1.0
// §4.1): a person cannot register here.
func TestPromptCreate(t *testing.T) {
	_, b, _ := people(t)
	got := b.Open(authorization("legacy", "prompt", "create")).Sent(t, legacyCallback)
	if got.Get("error") != "invalid_request" || !strings.Contains(got.Get("error_description"), "create") {
		t.Errorf("answered %v", got)
	}
}

// An API that requires a more recent sign-in gets one (RFC 9470 §4 to §6): the application sends
// max_age, and the new access token says when and how the person signed in.
func TestStepUp(t *testing.T) {
	s, b, v := people(t)
	b.SignIn(b.Open(authorization("legacy")), "alice", password)
	s.wait(time.Hour / 2)
	stale := decoded(t, fragment(t, b.Open(authorization("legacy", "response_type", "token"))).Get("access_token"))
	again := b.SignIn(b.Open(authorization("legacy", "response_type", "code", "max_age", "60", "acr_values", "1")), "alice", password)
	got := v.token("legacy", secret, "grant_type", "authorization_code", "code", again.Sent(t, legacyCallback).Get("code"), "redirect_uri", legacyCallback, "code_verifier", verifier)
	fresh := decoded(t, got.text(t, "access_token"))
	if stale["auth_time"] != float64(began.Unix()) || fresh["auth_time"] != float64(began.Add(time.Hour/2).Unix()) || fresh["acr"] != "1" {
		t.Errorf("before %v, and after %v", stale["auth_time"], fresh)
	}
	if said := v.post(IntrospectPath, "legacy", secret, "token", got.text(t, "access_token")).json(t); said["auth_time"] != fresh["auth_time"] || said["acr"] != "1" { // RFC 9470 §6.2
		t.Errorf("introspection says %v", said)
	}
	unmet := b.Open(authorization("legacy", "claims", `{"id_token":{"acr":{"essential":true,"value":"2"}}}`)).Sent(t, legacyCallback)
	if unmet.Get("error") != "unmet_authentication_requirements" {
		t.Errorf("an acr that no sign-in reaches: %v", unmet)
	}
}
