package handlers

import (
	"net/http"
	"strings"
	"testing"

	"authserver/internal/store/storetest"
)

// exchangeOf signs alice in at a client without a consent page, and exchanges the code.
func (v visitor) exchangeOf(client, code string) map[string]any {
	v.Helper()
	callback := map[string]string{
		"private": privateCallback, "neighbour": "https://private.example.com/other", "stranger": "https://stranger.example.com/cb", "second": "https://second.example.com/cb", "web-app": appCallback, "legacy": legacyCallback,
	}[client]
	return v.token(client, secret, "grant_type", "authorization_code", "code", code, "redirect_uri", callback, "code_verifier", verifier).json(v)
}

// OpenID Connect Core §8: everything that a client gets about a person has the subject of its
// sector, and nothing has the subject that others know.
func TestPairwiseSubjects(t *testing.T) {
	s, b, v := people(t)
	b.SignIn(b.Open(authorization("private")), "alice", password)
	subjects := map[string]string{}
	for _, client := range []string{"private", "neighbour", "stranger", "second"} {
		got := v.exchangeOf(client, b.Open(authorization(client)).Sent(t, "https://").Get("code"))
		access, id := got["access_token"].(string), got["id_token"].(string)
		subject, _ := decoded(t, id)["sub"].(string)
		subjects[client] = subject
		info := v.do(http.MethodGet, UserinfoPath, "", map[string]string{"Authorization": "Bearer " + access}).json(t)
		introspected := v.post(IntrospectPath, client, secret, "token", access)
		refresh := v.post(IntrospectPath, client, secret, "token", got["refresh_token"].(string))
		for where, told := range map[string]any{
			"the access token": decoded(t, access)["sub"], "userinfo": info["sub"], "introspection": introspected.json(t)["sub"],
			"introspection of the refresh token": refresh.json(t)["sub"],
		} {
			if told != subject || subject == "" {
				t.Errorf("%s: %s says %v, and the ID token %q", client, where, told, subject)
			}
		}
		if client == "second" {
			continue
		}
		for _, told := range []string{introspected.body, refresh.body} {
			if strings.Contains(told, "alice") || strings.Contains(told, aliceID) {
				t.Errorf("%s is told %s", client, told)
			}
		}
		refreshed := v.token(client, secret, "grant_type", "refresh_token", "refresh_token", got["refresh_token"].(string)).json(t)
		if again := decoded(t, refreshed["id_token"].(string))["sub"]; again != subject {
			t.Errorf("%s: %v after a refresh", client, again)
		}
	}
	if subjects["private"] != subjects["neighbour"] || subjects["private"] == subjects["stranger"] || subjects["private"] == aliceID || subjects["second"] != aliceID {
		t.Errorf("the subjects are %v", subjects)
	}
	front := b.Open(authorization("private", "response_type", "id_token token")).Sent(t, privateCallback+"#")
	if decoded(t, front.Get("id_token"))["sub"] != subjects["private"] || decoded(t, front.Get("access_token"))["sub"] != subjects["private"] {
		t.Error("the front channel has another subject")
	}

	// The tokens end with the user, although they do not name the user.
	user, err := s.db.User(t.Context(), aliceID)
	s.ok(err)
	void := s.Revoker.User(&user, "user_disabled")
	user.Disabled = true
	s.ok(s.db.UpdateUser(t.Context(), user, storetest.By().Voiding(void)))
	s.Revoker.ReloadView(t.Context())
	if got := v.post(IntrospectPath, "private", secret, "token", front.Get("access_token")); got.json(t)["active"] != false {
		t.Errorf("the access token outlives its user: %s", got.body)
	}
}

// A client requests a subject by the value that it knows (Core §3.1.2.1, §5.5.1).
func TestPairwiseHint(t *testing.T) {
	_, b, v := people(t)
	b.SignIn(b.Open(authorization("private")), "alice", password)
	hint := v.exchangeOf("private", b.Open(authorization("private")).Sent(t, privateCallback).Get("code"))["id_token"].(string)
	own := decoded(t, hint)["sub"].(string)
	for _, test := range []struct {
		name   string
		change []string
		wanted string
	}{
		{"its ID token", []string{"id_token_hint", hint}, "code"},
		{"its subject", []string{"claims", `{"id_token":{"sub":{"value":"` + own + `"}}}`}, "code"},
		{"the subject that others know", []string{"claims", `{"id_token":{"sub":{"value":"` + aliceID + `"}}}`}, "error"},
	} {
		got := b.Open(authorization("private", append(test.change, "prompt", "none")...)).Sent(t, privateCallback)
		if !got.Has(test.wanted) {
			t.Errorf("%s: answered %v", test.name, got)
		}
	}
}
