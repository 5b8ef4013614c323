package blackbox

import (
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"authserver/test/harness"
)

// D4: whatever host it is asked through, the server tells the issuer that is
// configured (RFC 8414 section 3.3), and only what works.
func TestMetadata(t *testing.T) {
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
	want := []any{"client_credentials", "password", "refresh_token", jwtBearer}
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
		if name != "issuer" && strings.Contains(name, "authorization") {
			t.Errorf("the metadata names %s, which does not work yet", name)
		}
	}
}

// D5: for an issuer with a path the document is where RFC 8414 section 3.1 puts it.
func TestMetadataOfAnIssuerWithAPath(t *testing.T) {
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

// D3: custom claims of a resource, a client and a user stand at the top of a
// token; those that the server sets itself are refused when they are registered.
func TestCustomClaims(t *testing.T) {
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

// The key set honours what verifiers send to save work.
func TestJWKSOverHTTP(t *testing.T) {
	f := register(t, harness.SQLite(t))
	s := f.Start()
	var first harness.Answer
	harness.Eventually(t, 10*time.Second, "the next keys are prepared, so that the set stands still", func() bool {
		first = harness.Get(t, s.URL+"/.well-known/jwks.json")
		keys, _ := first.Body["keys"].([]any)
		return len(keys) == 4
	})
	if got := first.Header.Get("Cache-Control"); got != "public, max-age=300" {
		t.Errorf("Cache-Control is %q", got)
	}
	tag := first.Header.Get("ETag")
	for _, test := range []struct {
		name, method, header, value string
		status                      int
	}{
		{"the same", "GET", "If-None-Match", tag, http.StatusNotModified},
		{"the same, weakly", "GET", "If-None-Match", "W/" + tag, http.StatusNotModified},
		{"one of several", "GET", "If-None-Match", `"other", ` + tag, http.StatusNotModified},
		{"any", "GET", "If-None-Match", "*", http.StatusNotModified},
		{"another", "GET", "If-None-Match", `"other"`, http.StatusOK},
		{"HEAD", "HEAD", "Accept", "*/*", http.StatusOK},
		{"HEAD of the same", "HEAD", "If-None-Match", tag, http.StatusNotModified},
		{"a range", "GET", "Range", "bytes=0-3", http.StatusOK},
	} {
		request, err := http.NewRequest(test.method, s.URL+"/.well-known/jwks.json", nil)
		if err != nil {
			t.Fatal(err)
		}
		request.Header.Set(test.header, test.value)
		if answer := harness.Do(t, request); answer.Status != test.status {
			t.Errorf("%s: answered %d, want %d", test.name, answer.Status, test.status)
		}
	}
	keys, _ := first.Body["keys"].([]any)
	for _, key := range keys {
		members, _ := key.(map[string]any)
		for _, name := range []string{"kid", "alg", "use", "kty"} {
			if members[name] == nil {
				t.Errorf("a key has no %s", name)
			}
		}
		for name := range members {
			if slices.Contains([]string{"d", "p", "q", "dp", "dq", "qi", "k"}, name) {
				t.Errorf("a key has the private member %s", name)
			}
		}
	}
}
