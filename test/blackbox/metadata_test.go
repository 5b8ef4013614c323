package blackbox

import (
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"authserver/test/harness"
)

// D4: for any host of the request, the metadata has the configured issuer (RFC 8414 section 3.3),
// and only what works.
func TestMetadata(t *testing.T) {
	t.Parallel()
	f := register(t, harness.SQLite(t))
	s := f.Start()
	request, err := http.NewRequest(http.MethodGet, s.URL+"/.well-known/oauth-authorization-server", nil)
	if err != nil {
		t.Fatal(err)
	}
	request.Host = "somebody-else.example.com"
	document := harness.Do(t, request).Body
	if document["issuer"] != harness.Issuer {
		t.Errorf("issuer is %v", document["issuer"])
	}
	want := []any{"authorization_code", "client_credentials", "password", "refresh_token", jwtBearer, "urn:ietf:params:oauth:grant-type:token-exchange", "implicit"}
	if diff := cmp.Diff(want, document["grant_types_supported"]); diff != "" {
		t.Errorf("grant_types_supported (-want +got):\n%s", diff)
	}
	for name, value := range document {
		if target, ok := value.(string); ok && name != "issuer" {
			path := strings.TrimPrefix(target, harness.Issuer)
			if answer := harness.Get(t, s.URL+path); answer.Status == http.StatusNotFound {
				t.Errorf("%s names %s, which is not there", name, target)
			}
		}
	}
}

// D5: for an issuer with a path the document is at the path of RFC 8414 section 3.1.
func TestMetadataOfAnIssuerWithAPath(t *testing.T) {
	t.Parallel()
	d := harness.SQLite(t)
	d.Set("ISSUER", "https://example.test/tenants/one")
	s := d.Start()
	// The API description cannot name a path that depends on a setting.
	response, err := harness.Client.Get(s.URL + "/.well-known/oauth-authorization-server/tenants/one")
	if err != nil {
		t.Fatal(err)
	}
	if err := response.Body.Close(); err != nil {
		t.Fatal(err)
	}
	if response.StatusCode != http.StatusOK {
		t.Errorf("answered %d", response.StatusCode)
	}
	plain := harness.Get(t, s.URL+"/.well-known/oauth-authorization-server")
	if got := plain.Text("token_endpoint"); got != "https://example.test/tenants/one/oauth2/token" {
		t.Errorf("token_endpoint is %s", got)
	}
}

// D3: custom claims of a resource, a client and a user are at the top of a token; the command
// refuses the names of claims that the server sets itself.
func TestCustomClaims(t *testing.T) {
	t.Parallel()
	f := register(t, harness.SQLite(t))
	f.Run("resource", "update", apiRS256, "--claim", "tier=gold")
	f.Run("client", "update", "web", "--claim", `limits={"rate":12345678901234567890}`)
	f.Run("user", "update", "alice", "--claim", "department=sales")
	s := f.Start()
	answer := s.MustToken(t, f.web, login())
	token := s.Verify(t, answer.Text("access_token"), apiRS256)
	wantClaims(t, token, map[string]any{"tier": "gold", "department": "sales"})
	if payload := decodePart(t, answer.Text("access_token"), 1); !strings.Contains(string(payload), `{"rate":12345678901234567890}`) {
		t.Errorf("a large number was not kept: %s", payload)
	}
	for _, claim := range []string{"sub", "aud", "iss", "exp", "client_id", "scope", "roles", "cnf"} {
		if _, stderr, code := f.Try("", "client", "update", "web", "--claim", claim+"=x"); code == 0 || !strings.Contains(stderr, claim) {
			t.Errorf("the claim %s is taken: exit code %d, %s", claim, code, stderr)
		}
	}
}
