package blackbox

import (
	"encoding/base64"
	"net/http"
	"strings"
	"testing"

	"authserver/test/harness"
)

// The verifier of this resource accepts only typ JWT. Its tokens are access tokens at every
// endpoint, and nothing else.
func TestTokensOfTypJWT(t *testing.T) {
	t.Parallel()
	harness.OnBoth(t, func(t *testing.T, d *harness.Deployment) {
		f := register(t, d)
		const spring = "https://spring.example.com"
		d.Run("resource", "create", "--id", spring, "--scope", "read", "--token-typ", "JWT")
		app := f.client("app", "--grant", "client_credentials", "--grant", "token-exchange", "--grant", "jwt-bearer", "--scope", "read", "--resource", spring, "--resource", apiRS256)
		s := f.Start()
		token := s.MustToken(t, app, form("grant_type", "client_credentials")).Text("access_token")
		if header := headerOf(t, token); !strings.Contains(header, `"typ":"JWT"`) {
			t.Fatalf("its header is %s", header)
		}
		if header := headerOf(t, s.MustToken(t, app, form("grant_type", "client_credentials", "resource", apiRS256)).Text("access_token")); !strings.Contains(header, `"typ":"at+jwt"`) {
			t.Errorf("the header of another resource's token is %s", header)
		}
		wantError(t, s.Token(t, app, form("grant_type", "client_credentials", "resource", spring, "resource", apiRS256)), http.StatusBadRequest, "invalid_target")

		if !s.Active(t, app, token) {
			t.Error("it is not active")
		}
		const exchange = "urn:ietf:params:oauth:grant-type:token-exchange"
		for _, typ := range []string{"access_token", "jwt"} {
			s.MustToken(t, app, form("grant_type", exchange, "subject_token", token, "subject_token_type", "urn:ietf:params:oauth:token-type:"+typ))
		}
		wantError(t, s.Token(t, app, form("grant_type", jwtBearer, "assertion", token)), http.StatusBadRequest, "invalid_grant")
		wantError(t, s.Token(t, harness.Credentials{}, form("grant_type", "client_credentials", "client_assertion", token,
			"client_assertion_type", "urn:ietf:params:oauth:client-assertion-type:jwt-bearer")), http.StatusUnauthorized, "invalid_client")
		if got := d.JSON("", "token", "inspect", token, "-o", "json"); got["kind"] != "access_token" || got["good"] != true {
			t.Errorf("token inspect says %v", got)
		}
		if answer := s.Post(t, "/oauth2/revoke", app, form("token", token)); answer.Status != http.StatusOK {
			t.Fatalf("revocation answered %d %s", answer.Status, answer.Raw)
		}
		if s.Active(t, app, token) {
			t.Error("it is active after it was revoked")
		}
	})
}

func headerOf(t *testing.T, token string) string {
	t.Helper()
	data, err := base64.RawURLEncoding.DecodeString(token[:strings.IndexByte(token, '.')])
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}
