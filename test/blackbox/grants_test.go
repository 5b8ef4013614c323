package blackbox

import (
	"net/http"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/lestrrat-go/jwx/v2/jwt"

	"authserver/test/harness"
)

// This is the main task: everything is registered through the command line, every grant issues a
// token that verifies with only the key set, and the server restarts after kill -9 between a token
// and its refresh.
func TestEveryGrant(t *testing.T) {
	t.Parallel()
	harness.OnBoth(t, func(t *testing.T, d *harness.Deployment) {
		f := register(t, d)
		s := f.Start()

		t.Run("client_credentials", func(t *testing.T) {
			answer := s.MustToken(t, f.batch, clientCredentials())
			token := s.Verify(t, answer.Text("access_token"), apiRS256)
			wantClaims(t, token, map[string]any{"sub": "batch", "client_id": "batch", "scope": "read"})
			if answer.Text("scope") != "read" {
				t.Errorf("scope is %q, want the client's default, read", answer.Text("scope"))
			}
			if answer.Text("refresh_token") != "" {
				t.Error("the answer has a refresh token (RFC 6749 section 4.4.3)")
			}
			if answer.Body["expires_in"] != 900.0 || answer.Text("token_type") != "Bearer" {
				t.Errorf("expires_in is %v and token_type %v", answer.Body["expires_in"], answer.Body["token_type"])
			}
			// RFC 6749 section 5.1
			if got := answer.Header.Get("Cache-Control"); got != "no-store" {
				t.Errorf("Cache-Control is %q", got)
			}
		})
		t.Run("another resource, another algorithm and lifetime", func(t *testing.T) {
			answer := s.MustToken(t, f.batch, clientCredentials("resource", apiES256))
			s.Verify(t, answer.Text("access_token"), apiES256)
			if answer.Body["expires_in"] != 300.0 {
				t.Errorf("expires_in is %v, want 300", answer.Body["expires_in"])
			}
		})
		t.Run("a client's roles", func(t *testing.T) {
			answer := s.MustToken(t, f.web, clientCredentials())
			wantClaims(t, s.Verify(t, answer.Text("access_token"), apiRS256), map[string]any{"roles": []any{"service"}})
		})
		t.Run("jwt-bearer", func(t *testing.T) {
			for name, assertion := range map[string]string{
				"by a registered key":         f.byKey(t, nil),
				"by a registered certificate": f.byCertificate(t, nil),
				"by a shared secret":          f.bySecret(t),
			} {
				t.Run(name, func(t *testing.T) {
					answer := s.MustToken(t, harness.Credentials{}, bearer(assertion))
					wantClaims(t, s.Verify(t, answer.Text("access_token"), apiRS256), map[string]any{"sub": f.alice, "scope": "read write", "roles": []any{"admin", "auditor"}})
					if answer.Text("refresh_token") != "" {
						t.Error("the answer has a refresh token (RFC 7521 section 4.1)")
					}
				})
			}
			t.Run("the scope in the assertion counts", func(t *testing.T) {
				answer := s.MustToken(t, harness.Credentials{}, bearer(f.byKey(t, claims{"scope": "read"})))
				if answer.Text("scope") != "read" {
					t.Errorf("scope is %q, want read", answer.Text("scope"))
				}
			})
			t.Run("signed by our own command", func(t *testing.T) {
				assertion := f.Run("assertion", "sign", "--iss", secretIssuer, "--sub", "alice", "--aud", harness.Issuer,
					"--claim", "email=alice@example.com", "--secret-file", f.File("sign.secret", sharedSecret))
				s.MustToken(t, harness.Credentials{}, bearer(trim(assertion)))
			})
		})
		t.Run("password and refresh over a kill -9", func(t *testing.T) {
			answer := s.MustToken(t, f.web, login())
			wantClaims(t, s.Verify(t, answer.Text("access_token"), apiRS256), map[string]any{
				"sub": f.alice, "client_id": "web", "scope": "read write",
				"roles": []any{"admin", "auditor"}, "permissions": []any{"orders:read"},
			})
			s.Kill()
			s = f.Start()
			refreshed := s.MustToken(t, f.web, refresh(answer.Text("refresh_token")))
			s.Verify(t, refreshed.Text("access_token"), apiRS256)
			s.Verify(t, answer.Text("access_token"), apiRS256)
			if refreshed.Text("refresh_token") == answer.Text("refresh_token") {
				t.Error("the refresh token was not rotated (RFC 9700 section 4.14.2)")
			}
			s.Kill()
			s = f.Start()
			s.MustToken(t, f.web, refresh(refreshed.Text("refresh_token")))
		})
		t.Run("a public client names itself", func(t *testing.T) {
			answer := s.MustToken(t, f.spa, login())
			s.MustToken(t, f.spa, refresh(answer.Text("refresh_token")))
		})
		t.Run("two resources of one algorithm in one token", func(t *testing.T) {
			f.Run("resource", "create", "--id", "https://second.example.com", "--scope", "read")
			f.Run("client", "update", "batch", "--resource", apiRS256, "--resource", "https://second.example.com")
			harness.Eventually(t, reached, "the changed client gets a token for both", func() bool {
				answer := s.Token(t, f.batch, clientCredentials("resource", apiRS256, "resource", "https://second.example.com"))
				if answer.Status != http.StatusOK {
					return false
				}
				token := s.Verify(t, answer.Text("access_token"), apiRS256)
				return cmp.Equal(token.Audience(), []string{apiRS256, "https://second.example.com"})
			})
		})
		if code := s.Stop(); code != 0 {
			t.Errorf("after SIGTERM the server exits with %d, want 0", code)
		}
	})
}

func wantClaims(t *testing.T, token jwt.Token, want map[string]any) {
	t.Helper()
	for name, value := range want {
		got, _ := token.Get(name)
		if diff := cmp.Diff(value, got); diff != "" {
			t.Errorf("claim %s (-want +got):\n%s", name, diff)
		}
	}
}
