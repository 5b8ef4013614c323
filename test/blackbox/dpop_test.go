package blackbox

import (
	"crypto"
	"crypto/ecdsa"
	"encoding/base64"
	"maps"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/lestrrat-go/jwx/v2/jwa"
	"github.com/lestrrat-go/jwx/v2/jwk"

	"authserver/internal/testkit"
	"authserver/test/harness"
)

// holder is a client with the key of its tokens.
type holder struct {
	key *ecdsa.PrivateKey
	jwk jwk.Key
	jkt string
}

func newHolder(t *testing.T) holder {
	t.Helper()
	private := testkit.P256(t)
	key, err := jwk.FromRaw(private.Public())
	if err != nil {
		t.Fatal(err)
	}
	thumbprint, err := key.Thumbprint(crypto.SHA256)
	if err != nil {
		t.Fatal(err)
	}
	return holder{private, key, base64.RawURLEncoding.EncodeToString(thumbprint)}
}

// proof returns a proof for the token endpoint (RFC 9449 section 4.2), with changes; a nil one
// removes a claim.
func (h holder) proof(t *testing.T, change claims) string {
	t.Helper()
	c := claims{"jti": uuid.NewString(), "htm": "POST", "htu": harness.Issuer + "/oauth2/token", "iat": time.Now().Unix()}
	maps.Copy(c, change)
	maps.DeleteFunc(c, func(_ string, v any) bool { return v == nil })
	return sign(t, jwa.ES256, h.key, map[string]any{"typ": "dpop+jwt", "jwk": h.jwk}, c)
}

// askWith sends a token request with proofs.
func askWith(t *testing.T, s *harness.Server, who harness.Credentials, parameters url.Values, proofs ...string) harness.Answer {
	t.Helper()
	if who.Secret == "" && who.ID != "" {
		parameters.Set("client_id", who.ID)
	}
	request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, s.URL+"/oauth2/token", strings.NewReader(parameters.Encode()))
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	if who.Secret != "" {
		request.SetBasicAuth(url.QueryEscape(who.ID), url.QueryEscape(who.Secret))
	}
	for _, proof := range proofs {
		request.Header.Add("DPoP", proof)
	}
	return harness.Do(t, request)
}

// A token is worthless without its key: every grant binds its tokens, a proof is good once at any
// server, refresh tokens of public clients are bound, and nonces are required if they are switched
// on.
func TestDPoP(t *testing.T) {
	t.Parallel()
	harness.OnBoth(t, func(t *testing.T, d *harness.Deployment) {
		f := register(t, d)
		replicas := []*harness.Server{f.Start(), f.Start()}
		h := newHolder(t)

		t.Run("every grant binds its token", func(t *testing.T) {
			session := askWith(t, replicas[0], f.web, login(), h.proof(t, nil))
			for name, answer := range map[string]harness.Answer{
				"password":           session,
				"client_credentials": askWith(t, replicas[0], f.batch, clientCredentials(), h.proof(t, nil)),
				"refresh_token":      askWith(t, replicas[1], f.web, refresh(session.Text("refresh_token")), h.proof(t, nil)),
				"jwt-bearer":         askWith(t, replicas[1], harness.Credentials{}, bearer(f.byKey(t, nil)), h.proof(t, nil)),
			} {
				if answer.Status != http.StatusOK || answer.Text("token_type") != "DPoP" {
					t.Errorf("%s answers %d %s", name, answer.Status, answer.Raw)
					continue
				}
				wantClaims(t, replicas[0].Verify(t, answer.Text("access_token"), apiRS256), map[string]any{"cnf": map[string]any{"jkt": h.jkt}})
			}
			seen := replicas[0].Post(t, "/oauth2/introspect", f.reader, form("token", session.Text("access_token")))
			if seen.Text("token_type") != "DPoP" || seen.Body["cnf"] == nil {
				t.Errorf("introspection answers %s", seen.Raw)
			}
		})
		t.Run("a proof is good once, whichever of two servers is asked at the same moment", func(t *testing.T) {
			for range 10 {
				proof := h.proof(t, nil)
				statuses := map[int]int{}
				for _, answer := range atOnce(8, func(i int) harness.Answer { return askWith(t, replicas[i%2], f.batch, clientCredentials(), proof) }) {
					statuses[answer.Status]++
				}
				if statuses[http.StatusOK] != 1 || statuses[http.StatusBadRequest] != 7 {
					t.Errorf("the answers are %v, want one 200 and seven 400", statuses)
				}
			}
		})
		t.Run("what is wrong with a proof is told", func(t *testing.T) {
			other := newHolder(t)
			for name, proofs := range map[string][]string{
				"two of them":               {h.proof(t, nil), h.proof(t, nil)},
				"no JWT":                    {"x"},
				"for another method":        {h.proof(t, claims{"htm": "GET"})},
				"for another URL":           {h.proof(t, claims{"htu": "https://evil.example/oauth2/token"})},
				"from an hour ago":          {h.proof(t, claims{"iat": time.Now().Add(-time.Hour).Unix()})},
				"without a jti":             {h.proof(t, claims{"jti": nil})},
				"signed by another key":     {sign(t, jwa.ES256, other.key, map[string]any{"typ": "dpop+jwt", "jwk": h.jwk}, claims{"jti": "1", "htm": "POST", "htu": harness.Issuer + "/oauth2/token", "iat": time.Now().Unix()})},
				"an assertion, not a proof": {f.byKey(t, nil)},
			} {
				if answer := askWith(t, replicas[0], f.batch, clientCredentials(), proofs...); answer.Status != http.StatusBadRequest || answer.Text("error") != "invalid_dpop_proof" {
					t.Errorf("%s: %d %s", name, answer.Status, answer.Raw)
				}
			}
			if answer := askWith(t, replicas[0], f.batch, clientCredentials("dpop_jkt", other.jkt), h.proof(t, nil)); answer.Text("error") != "invalid_dpop_proof" {
				t.Errorf("another key's dpop_jkt: %s", answer.Raw)
			}
			if answer := askWith(t, replicas[0], f.batch, clientCredentials("dpop_jkt", h.jkt), h.proof(t, nil)); answer.Status != http.StatusOK {
				t.Errorf("the key's own dpop_jkt: %s", answer.Raw)
			}
		})
		t.Run("the refresh tokens of a public client are bound to the key of the login", func(t *testing.T) {
			thief := newHolder(t)
			token := askWith(t, replicas[0], f.spa, login(), h.proof(t, nil)).Text("refresh_token")
			wantError(t, askWith(t, replicas[1], f.spa, refresh(token), thief.proof(t, nil)), http.StatusBadRequest, "invalid_grant")
			wantError(t, askWith(t, replicas[1], f.spa, refresh(token)), http.StatusBadRequest, "invalid_grant")
			next := askWith(t, replicas[1], f.spa, refresh(token), h.proof(t, nil))
			if next.Status != http.StatusOK {
				t.Fatalf("with the right key: %d %s", next.Status, next.Raw)
			}
			again := askWith(t, replicas[0], f.spa, refresh(token), h.proof(t, nil)) // the answer was lost
			if again.Text("refresh_token") != next.Text("refresh_token") {
				t.Errorf("a retry answers %d %s", again.Status, again.Raw)
			}
		})
		t.Run("a client that is registered for it has to", func(t *testing.T) {
			wallet := f.client("wallet", "--dpop-bound", "--grant", "client_credentials", "--scope", "read", "--resource", apiRS256)
			harness.Eventually(t, reached, "the client is known", func() bool {
				return askWith(t, replicas[0], wallet, clientCredentials(), h.proof(t, nil)).Status == http.StatusOK
			})
			wantError(t, askWith(t, replicas[0], wallet, clientCredentials()), http.StatusBadRequest, "invalid_dpop_proof")
		})
		t.Run("nonces, of one server and good at the other", func(t *testing.T) {
			d.Set("DPOP_NONCE", "true")
			one, two := f.Start(), f.Start()
			first := askWith(t, one, f.batch, clientCredentials(), h.proof(t, nil))
			wantError(t, first, http.StatusBadRequest, "use_dpop_nonce")
			nonce := first.Header.Get("DPoP-Nonce")
			if answer := askWith(t, two, f.batch, clientCredentials(), h.proof(t, claims{"nonce": nonce})); answer.Status != http.StatusOK || answer.Header.Get("DPoP-Nonce") == "" {
				t.Errorf("with the nonce: %d %s", answer.Status, answer.Raw)
			}
			wantError(t, askWith(t, two, f.batch, clientCredentials(), h.proof(t, claims{"nonce": nonce + "A"})), http.StatusBadRequest, "use_dpop_nonce")
			if answer := askWith(t, two, f.batch, clientCredentials()); answer.Status != http.StatusOK {
				t.Errorf("without a proof: %d %s", answer.Status, answer.Raw)
			}
		})
	})
}
