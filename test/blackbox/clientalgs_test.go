package blackbox

import (
	"encoding/json"
	"net/http"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/lestrrat-go/jwx/v2/jwa"

	"authserver/internal/testkit"
	"authserver/test/harness"
)

// The settings can limit the algorithms of all clients, and the metadata has the same limits (RFC
// 8414 §2, RFC 9449 §5.1; FAPI 2.0 §5.4.1).
func TestTheSettingsLimitWhatClientsSignWith(t *testing.T) {
	t.Parallel()
	d := harness.SQLite(t)
	f := register(t, d)
	d.Set("DPOP_ALG", "PS256,ES256,EdDSA")
	d.Set("CLIENT_ASSERTION_ALG", "PS256,ES256,EdDSA")
	keys := signersOf(t)
	grant := []string{"--grant", "client_credentials", "--scope", "read", "--resource", apiRS256}
	f.Run(append([]string{"client", "create", "--id", "rsa", "--auth-method", "private_key_jwt", "--jwks-file", f.File("rsa.jwks", jwksOf(t, keys["PS256"].Public(), "k"))}, grant...)...)
	hmac := f.client("hmac", append([]string{"--auth-method", "client_secret_jwt"}, grant...)...)
	s, anonymous := f.Start(), harness.Credentials{}
	var metadata map[string]any
	if err := json.Unmarshal(harness.Get(t, s.URL+"/.well-known/oauth-authorization-server").Raw, &metadata); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"dpop_signing_alg_values_supported", "token_endpoint_auth_signing_alg_values_supported",
		"introspection_endpoint_auth_signing_alg_values_supported", "revocation_endpoint_auth_signing_alg_values_supported"} {
		if diff := cmp.Diff([]any{"PS256", "ES256", "EdDSA"}, metadata[name]); diff != "" {
			t.Errorf("%s\n%s", name, diff)
		}
	}
	if methods, _ := metadata["token_endpoint_auth_methods_supported"].([]any); slices.Contains(methods, any("client_secret_jwt")) || !slices.Contains(methods, any("private_key_jwt")) {
		t.Errorf("the methods are %v", methods)
	}
	helper := &fapi{}
	for _, c := range []struct {
		name      string
		assertion signature
		proof     string // the algorithm of the proof; "": there is none
		refused   string
	}{
		{"an assertion under PS256", signature{"PS256", keys["PS256"], nil, asItself("rsa")}, "", ""},
		{"an assertion under RS256", signature{"RS256", keys["PS256"], nil, asItself("rsa")}, "", "invalid_client"},
		{"an assertion under a secret", signature{"HS256", []byte(hmac.Secret), nil, asItself("hmac")}, "", "invalid_client"},
		{"a proof under ES256", signature{"PS256", keys["PS256"], nil, asItself("rsa")}, "ES256", ""},
		{"a proof under RS256", signature{"PS256", keys["PS256"], nil, asItself("rsa")}, "RS256", "invalid_dpop_proof"},
	} {
		t.Run(c.name, func(t *testing.T) {
			var proofs []string
			if c.proof != "" {
				key := keys["PS256"]
				if c.proof == "ES256" {
					key = keys["ES256"]
				}
				proofs = []string{helper.proof(t, c.proof, key).jwt(t)}
			}
			answer := askWith(t, s, anonymous, signedBy(c.assertion.jwt(t), clientCredentials()), proofs...)
			if answer.Text("error") != c.refused {
				t.Errorf("answered %d %s, want %q", answer.Status, answer.Raw, c.refused)
			}
		})
	}
	t.Run("credentials that are not taken are not passed over", func(t *testing.T) {
		form := bearer(f.byKey(t, nil))
		signedBy(sign(t, jwa.HS256, []byte(hmac.Secret), nil, asItself("hmac")), form)
		wantError(t, askWith(t, s, anonymous, form), http.StatusUnauthorized, "invalid_client")
	})
}

// A client may only use its registered algorithms, whatever its keys support.
func TestAClientIsLimitedToItsAlgorithms(t *testing.T) {
	t.Parallel()
	harness.OnBoth(t, func(t *testing.T, d *harness.Deployment) {
		f := register(t, d)
		set := f.File("rsa.jwks", jwksOf(t, f.rsa.Public(), "k"))
		create := func(id string, args ...string) {
			f.Run(append([]string{"client", "create", "--id", id, "--auth-method", "private_key_jwt", "--grant", "client_credentials", "--scope", "read", "--resource", apiRS256}, args...)...)
		}
		create("any", "--jwks-file", set)
		create("ps", "--jwks-file", set, "--assertion-alg", "PS256", "--assertion-alg", "ES256")
		create("by-key", "--jwks-file", f.File("ps.jwks", string(testkit.JWKS(t, testkit.JWK(t, f.rsa.Public(), map[string]any{"alg": "PS256"})))))
		shown := f.JSON("", "client", "show", "ps")
		if diff := cmp.Diff([]any{"PS256", "ES256"}, shown["assertion_algs"]); diff != "" {
			t.Error(diff)
		}
		s := f.Start()
		ask := func(id, alg string) string {
			assertion := signature{alg, f.rsa, nil, asItself(id)}.jwt(t)
			return askWith(t, s, harness.Credentials{}, signedBy(assertion, clientCredentials())).Text("error")
		}
		for _, c := range []struct{ id, alg, refused string }{
			{"any", "RS256", ""}, {"any", "PS256", ""},
			{"ps", "PS256", ""}, {"ps", "RS256", "invalid_client"}, {"ps", "PS384", "invalid_client"},
			{"by-key", "PS256", ""}, {"by-key", "RS256", "invalid_client"},
		} {
			if refused := ask(c.id, c.alg); refused != c.refused {
				t.Errorf("%s signs with %s: %q, want %q", c.id, c.alg, refused, c.refused)
			}
		}
		f.Run("client", "update", "any", "--assertion-alg", "PS256")
		harness.Eventually(t, reached, "the client is limited", func() bool { return ask("any", "RS256") == "invalid_client" && ask("any", "PS256") == "" })
		f.Run("client", "update", "any", "--assertion-alg", "")
		harness.Eventually(t, reached, "the client is not limited", func() bool { return ask("any", "RS256") == "" })
	})
}
