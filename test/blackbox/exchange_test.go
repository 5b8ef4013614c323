package blackbox

import (
	"net/http"
	"net/url"
	"testing"

	"authserver/test/harness"
)

// An API that was called with a user's token calls another one for the user, and the new token
// names it as the actor. When the login ends, that token ends too.
func TestTokenExchange(t *testing.T) {
	t.Parallel()
	harness.OnBoth(t, func(t *testing.T, d *harness.Deployment) {
		f := register(t, d)
		backend := f.client("backend", "--grant", "token-exchange", "--serves", apiRS256, "--scope", "read", "--resource", apiES256)
		s := f.Start()
		session := s.MustToken(t, f.web, login())
		swap := func(token string, more ...string) url.Values {
			return form(append([]string{
				"grant_type", "urn:ietf:params:oauth:grant-type:token-exchange",
				"subject_token", token, "subject_token_type", "urn:ietf:params:oauth:token-type:access_token",
			}, more...)...)
		}
		answer := s.MustToken(t, backend, swap(session.Text("access_token")))
		wantClaims(t, s.Verify(t, answer.Text("access_token"), apiES256), map[string]any{
			"sub": f.alice, "client_id": "backend", "scope": "read", "act": map[string]any{"sub": "backend"}, "roles": []any{"admin", "auditor"},
		})
		wantError(t, s.Token(t, backend, swap(session.Text("access_token"), "scope", "write")), http.StatusBadRequest, "invalid_scope")
		wantError(t, s.Token(t, f.batch, swap(session.Text("access_token"))), http.StatusBadRequest, "unauthorized_client")
		if !s.Active(t, backend, answer.Text("access_token")) {
			t.Fatal("the token is not active")
		}
		if answer := s.Post(t, "/oauth2/revoke", f.web, form("token", session.Text("refresh_token"))); answer.Status != http.StatusOK {
			t.Fatalf("revocation answered %d %s", answer.Status, answer.Raw)
		}
		harness.Eventually(t, reached, "the token ends with the login", func() bool { return !s.Active(t, backend, answer.Text("access_token")) })
		wantError(t, s.Token(t, backend, swap(session.Text("access_token"))), http.StatusBadRequest, "invalid_request")
	})
}
