package handlers

import (
	"slices"
	"testing"

	"authserver/internal/store"
	"authserver/internal/store/storetest"
)

// change changes a client.
func (s *site) change(id string, by func(c *store.Client)) {
	s.Helper()
	c, err := s.db.Client(s.Context(), id)
	s.ok(err)
	by(&c)
	s.ok(s.db.UpdateClient(s.Context(), c, storetest.By()))
}

// A client with the claims of the scopes in its ID tokens gets them with every response type, and
// in the ID token of a refresh for the scopes that it still has.
func TestScopeClaimsInEveryIDToken(t *testing.T) {
	s, b, v := people(t)
	s.change("legacy", func(c *store.Client) { c.IDTokenScopeClaims = true })
	b.SignIn(b.Open(authorization("legacy")), "alice", password)
	name := func(token any) any {
		t.Helper()
		return decoded(t, token.(string))["preferred_username"]
	}
	for _, responseType := range []store.ResponseType{
		store.ResponseIDToken, store.ResponseIDTokenToken, store.ResponseCodeIDToken, store.ResponseCodeIDTokenToken,
	} {
		for scope, want := range map[string]any{"openid profile read": "alice", "openid read": nil} {
			got := fragment(t, b.Open(authorization("legacy", "response_type", string(responseType), "scope", scope)))
			if name(got.Get("id_token")) != want {
				t.Errorf("%s with %s: the name is %v", responseType, scope, name(got.Get("id_token")))
			}
			if code := got.Get("code"); code != "" {
				if tokens := v.exchangeOf("legacy", code); name(tokens["id_token"]) != want {
					t.Errorf("%s with %s: the name at the token endpoint is %v", responseType, scope, name(tokens["id_token"]))
				}
			}
		}
	}

	code := b.Open(authorization("legacy", "scope", "openid profile read")).Sent(t, legacyCallback).Get("code")
	tokens := v.exchangeOf("legacy", code)
	refresh := func(parameters ...string) map[string]any {
		t.Helper()
		parameters = append(parameters, "grant_type", "refresh_token", "refresh_token", tokens["refresh_token"].(string))
		tokens = v.token("legacy", secret, parameters...).json(t)
		return tokens
	}
	if got := name(refresh()["id_token"]); got != "alice" {
		t.Errorf("refreshed: the name is %v", got)
	}
	if got := name(refresh("scope", "openid read")["id_token"]); got != nil {
		t.Errorf("refreshed without the scope: the name is %v", got)
	}
	s.change("legacy", func(c *store.Client) {
		c.Scopes = slices.DeleteFunc(c.Scopes, func(scope string) bool { return scope == "profile" })
	})
	if got := name(refresh()["id_token"]); got != nil {
		t.Errorf("refreshed after the scope was taken from the client: the name is %v", got)
	}
}
