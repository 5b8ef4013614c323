package blackbox

import (
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"net/http"
	"net/url"
	"slices"
	"testing"
	"time"

	"github.com/lestrrat-go/jwx/v2/jwa"

	"authserver/test/harness"
)

const clientAssertionType = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"

// signedBy returns a request that a client authenticates with an assertion.
func signedBy(assertion string, parameters url.Values) url.Values {
	parameters.Set("client_assertion_type", clientAssertionType)
	parameters.Set("client_assertion", assertion)
	return parameters
}

// asItself returns the claims of a client that authenticates.
func asItself(id string) claims { return assertionClaims(id, id, nil) }

// A client with a key needs no secret: it is registered, used at every endpoint, and rotated.
func TestClientsThatSign(t *testing.T) {
	t.Parallel()
	harness.OnBoth(t, func(t *testing.T, d *harness.Deployment) {
		f := register(t, d)
		replicas := []*harness.Server{f.Start(), f.Start()}
		grant := []string{"--grant", "client_credentials", "--scope", "read", "--resource", apiRS256, "--serves", apiRS256}
		job := f.JSON("", append([]string{"client", "create", "--id", "job", "--auth-method", "private_key_jwt", "--jwks-file", f.File("job.jwks", jwksOf(t, f.rsa.Public(), "r"))}, grant...)...)
		if secret, there := job["client_secret"]; there {
			t.Errorf("a client that has keys alone has the secret %v", secret)
		}
		byKey := func(id string) string {
			return sign(t, jwa.RS256, f.rsa, map[string]any{"kid": "r"}, asItself(id))
		}
		none := harness.Credentials{}

		t.Run("gets a token, introspects and revokes it", func(t *testing.T) {
			access := replicas[0].MustToken(t, none, signedBy(byKey("job"), clientCredentials())).Text("access_token")
			wantClaims(t, replicas[0].Verify(t, access, apiRS256), map[string]any{"sub": "job", "client_id": "job"})
			answer := replicas[1].Post(t, "/oauth2/introspect", none, signedBy(byKey("job"), form("token", access)))
			if answer.Body["active"] != true {
				t.Errorf("introspection answers %s", answer.Raw)
			}
			if answer := replicas[1].Post(t, "/oauth2/revoke", none, signedBy(byKey("job"), form("token", access))); answer.Status != http.StatusOK {
				t.Errorf("revocation answers %d %s", answer.Status, answer.Raw)
			}
		})
		t.Run("with a secret, which overlaps while it is rotated", func(t *testing.T) {
			first := f.client("hmac", append([]string{"--auth-method", "client_secret_jwt"}, grant...)...)
			second := f.JSON("", "client", "rotate-secret", "hmac", "--overlap", "1h")["client_secret"].(string)
			for _, secret := range []string{first.Secret, second} {
				harness.Eventually(t, reached, "the secret is good", func() bool {
					assertion := sign(t, jwa.HS256, []byte(secret), nil, asItself("hmac"))
					return replicas[1].Token(t, none, signedBy(assertion, clientCredentials())).Status == http.StatusOK
				})
			}
			// The server accepts nothing else from a client that is registered to sign.
			wantError(t, replicas[0].Token(t, harness.Credentials{ID: "hmac", Secret: second}, clientCredentials()), http.StatusUnauthorized, "invalid_client")
		})
		t.Run("with a certificate, chosen by its thumbprint, while the next one is there already", func(t *testing.T) {
			both := certificatePEM(f.cert, selfSigned(t, f.ec, time.Now().Add(-time.Minute), time.Now().Add(48*time.Hour)))
			f.Run(append([]string{"client", "create", "--id", "certified", "--auth-method", "private_key_jwt", "--certificate-file", f.File("certified.pem", both)}, grant...)...)
			keyPEM, err := x509.MarshalPKCS8PrivateKey(f.ec)
			if err != nil {
				t.Fatal(err)
			}
			key := f.File("certified.key", string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: keyPEM})))
			assertion := f.Run("assertion", "sign", "--client", "certified", "--aud", harness.Issuer, "--key-file", key, "--certificate-file", f.File("one.pem", certificatePEM(f.cert)))
			replicas[0].MustToken(t, none, signedBy(trim(assertion), clientCredentials()))
		})
		t.Run("the token endpoint is an audience where that is allowed", func(t *testing.T) {
			addressed := func() url.Values {
				c := asItself("job")
				c["aud"] = harness.Issuer + "/oauth2/token"
				return signedBy(sign(t, jwa.RS256, f.rsa, map[string]any{"kid": "r"}, c), clientCredentials())
			}
			wantError(t, replicas[0].Token(t, none, addressed()), http.StatusUnauthorized, "invalid_client")
			f.Run("client", "update", "job", "--accept-token-endpoint-audience")
			harness.Eventually(t, reached, "it is taken", func() bool { return replicas[0].Token(t, none, addressed()).Status == http.StatusOK })
		})
		t.Run("the metadata says so", func(t *testing.T) {
			var body struct {
				Methods []string `json:"token_endpoint_auth_methods_supported"`
				Algs    []string `json:"token_endpoint_auth_signing_alg_values_supported"`
			}
			answer := harness.Get(t, replicas[0].URL+"/.well-known/oauth-authorization-server")
			if err := json.Unmarshal(answer.Raw, &body); err != nil {
				t.Fatal(err)
			}
			for _, want := range []string{"private_key_jwt", "client_secret_jwt"} {
				if !slices.Contains(body.Methods, want) {
					t.Errorf("%s is not among %v", want, body.Methods)
				}
			}
			if !slices.Contains(body.Algs, "RS256") || !slices.Contains(body.Algs, "HS256") || slices.Contains(body.Algs, "none") {
				t.Errorf("the algorithms are %v", body.Algs)
			}
		})
	})
}
