package blackbox

import (
	"net/http"
	"testing"

	"github.com/lestrrat-go/jwx/v2/jwa"

	"authserver/test/harness"
)

// A client gets a token with its registered keys only by its present methods, and only a bound
// token if it is registered for bound tokens.
func TestKeysOnFileCountForWhatTheClientIsRegisteredFor(t *testing.T) {
	t.Parallel()
	harness.OnBoth(t, func(t *testing.T, d *harness.Deployment) {
		f := register(t, d)
		keys, certificate := f.File("own.jwks", jwksOf(t, f.ec.Public(), "own")), f.File("own.pem", certificatePEM(f.cert))
		create := func(id string, args ...string) harness.Credentials {
			return f.client(id, append([]string{"--grant", "jwt-bearer", "--grant", "client_credentials", "--scope", "read", "--resource", apiRS256}, args...)...)
		}
		create("signs", "--auth-method", "private_key_jwt", "--jwks-file", keys)
		create("presents", "--auth-method", "self_signed_tls_client_auth", "--jwks-file", keys)
		create("certified", "--auth-method", "self_signed_tls_client_auth", "--certificate-file", certificate)
		create("secret", "--jwks-file", keys)
		f.client("public", "--auth-method", "none", "--jwks-file", keys, "--grant", "jwt-bearer", "--scope", "read", "--resource", apiRS256)
		create("tls-bound", "--auth-method", "private_key_jwt", "--jwks-file", keys, "--tls-bound")
		create("dpop-bound", "--auth-method", "private_key_jwt", "--jwks-file", keys, "--dpop-bound")
		hmac := create("hmac", "--auth-method", "client_secret_jwt")
		f.Run("client", "update", "hmac", "--auth-method", "client_secret_basic")
		f.Run("issuer", "create", "--iss", "https://fleet.example.com", "--subject", "client", "--require-client-auth=false",
			"--jwks-file", keys, "--scope", "read", "--resource", apiRS256)
		s, h, anonymous := f.Start(), newHolder(t), harness.Credentials{}

		own := func(id string) string { return sign(t, jwa.ES256, f.ec, nil, asItself(id)) }
		fleet := func(id string) string {
			return sign(t, jwa.ES256, f.ec, nil, assertionClaims("https://fleet.example.com", id, nil))
		}
		for _, c := range []struct {
			name, assertion string
			proof           bool
			status          int
			code            string
		}{
			{"private_key_jwt", own("signs"), false, http.StatusOK, ""},
			{"a certificate's method, by the key set", own("presents"), false, http.StatusBadRequest, "invalid_grant"},
			{"a certificate's method, by the certificate", own("certified"), false, http.StatusBadRequest, "invalid_grant"},
			{"a certificate's method, with a proof", own("presents"), true, http.StatusBadRequest, "invalid_grant"},
			{"a secret's method", own("secret"), false, http.StatusBadRequest, "invalid_grant"},
			{"no method", own("public"), false, http.StatusBadRequest, "invalid_grant"},
			{"a secret that is no key any more", sign(t, jwa.HS256, []byte(hmac.Secret), nil, asItself("hmac")), false, http.StatusBadRequest, "invalid_grant"},
			{"bound to a certificate", own("tls-bound"), false, http.StatusBadRequest, "invalid_request"},
			{"bound to a certificate, with a proof", own("tls-bound"), true, http.StatusBadRequest, "invalid_request"},
			{"bound by DPoP", own("dpop-bound"), false, http.StatusBadRequest, "invalid_dpop_proof"},
			{"bound by DPoP, with a proof", own("dpop-bound"), true, http.StatusOK, ""},
			{"an issuer's word for one that is bound to a certificate", fleet("tls-bound"), false, http.StatusBadRequest, "invalid_request"},
			{"an issuer's word for one that is bound by DPoP", fleet("dpop-bound"), false, http.StatusBadRequest, "invalid_dpop_proof"},
			{"an issuer's word for one that proves itself by a certificate", fleet("certified"), false, http.StatusBadRequest, "invalid_request"},
			{"an issuer's word for one that is not bound", fleet("secret"), false, http.StatusOK, ""},
		} {
			t.Run(c.name, func(t *testing.T) {
				var proofs []string
				if c.proof {
					proofs = []string{h.proof(t, nil)}
				}
				answer := askWith(t, s, anonymous, bearer(c.assertion), proofs...)
				if c.code != "" {
					wantError(t, answer, c.status, c.code)
				} else if answer.Status != c.status || c.proof != (answer.Text("token_type") == "DPoP") {
					t.Errorf("answered %d %s", answer.Status, answer.Raw)
				}
			})
		}
		t.Run("a method that is taken away", func(t *testing.T) {
			f.Run("client", "update", "signs", "--auth-method", "client_secret_basic")
			harness.Eventually(t, reached, "its keys buy nothing", func() bool {
				return askWith(t, s, anonymous, bearer(own("signs"))).Text("error") == "invalid_grant"
			})
			wantError(t, s.Token(t, anonymous, signedBy(own("signs"), clientCredentials())), http.StatusUnauthorized, "invalid_client")
			f.Run("client", "update", "signs", "--auth-method", "private_key_jwt")
			harness.Eventually(t, reached, "they do again", func() bool {
				return askWith(t, s, anonymous, bearer(own("signs"))).Status == http.StatusOK
			})
		})
	})
}
