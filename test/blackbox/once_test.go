package blackbox

import (
	"database/sql"
	"net/http"
	"net/url"
	"testing"
	"time"

	"github.com/lestrrat-go/jwx/v2/jwa"

	"authserver/test/harness"
)

// usedUp returns the number of assertions and proofs that the database has recorded.
func usedUp(t *testing.T, db *sql.DB) (n int) {
	t.Helper()
	if err := db.QueryRowContext(t.Context(), "SELECT count(*) FROM used_assertions").Scan(&n); err != nil {
		t.Fatal(err)
	}
	return n
}

// Only a request that succeeds uses up its single uses: a client without valid credentials writes
// nothing, and a refused request may be corrected and sent again.
func TestWhatIsGoodOnceIsUsedUpLast(t *testing.T) {
	t.Parallel()
	harness.OnBoth(t, func(t *testing.T, d *harness.Deployment) {
		f := register(t, d)
		d.Set("REFRESH_GRACE", "1s")
		replicas, h, anonymous := []*harness.Server{f.Start(), f.Start()}, newHolder(t), harness.Credentials{}
		f.Run("resource", "create", "--id", "https://later.example.com", "--scope", "read", "--signing-alg", "EdDSA")
		f.Run("client", "create", "--id", "job", "--auth-method", "private_key_jwt", "--jwks-file", f.File("job.jwks", jwksOf(t, f.rsa.Public(), "r")),
			"--grant", "client_credentials", "--scope", "read", "--resource", apiRS256, "--resource", "https://later.example.com")
		s, db := replicas[0], openDatabase(t, d)
		signed := func() string { return sign(t, jwa.RS256, f.rsa, map[string]any{"kid": "r"}, asItself("job")) }
		old := s.MustToken(t, f.spa, login()).Text("refresh_token")
		s.MustToken(t, f.spa, refresh(old))
		before := usedUp(t, db)

		t.Run("an unknown client, and a request that is refused, writes nothing", func(t *testing.T) {
			for name, ask := range map[string]func() harness.Answer{
				"no client, no grant":                               func() harness.Answer { return askWith(t, s, anonymous, url.Values{}, h.proof(t, nil)) },
				"no client, by client_credentials":                  func() harness.Answer { return askWith(t, s, anonymous, clientCredentials(), h.proof(t, nil)) },
				"no client, without an assertion":                   func() harness.Answer { return askWith(t, s, anonymous, form("grant_type", jwtBearer), h.proof(t, nil)) },
				"no client, with an assertion of an unknown issuer": func() harness.Answer { return askWith(t, s, anonymous, bearer(signed()), h.proof(t, nil)) },
				"a wrong secret": func() harness.Answer {
					return askWith(t, s, harness.Credentials{ID: "web", Secret: "wrong"}, clientCredentials(), h.proof(t, nil))
				},
				"a public client, by client_credentials": func() harness.Answer { return askWith(t, s, f.spa, clientCredentials(), h.proof(t, nil)) },
				"a public client, a wrong password": func() harness.Answer {
					return askWith(t, s, f.spa, form("grant_type", "password", "username", "alice", "password", "wrong"), h.proof(t, nil))
				},
				"a public client, a refresh token of another": func() harness.Answer {
					return askWith(t, s, harness.Credentials{ID: "spa"}, refresh("art_forged"), h.proof(t, nil))
				},
				"another client's refresh token": func() harness.Answer { return askWith(t, s, f.web, refresh(old), h.proof(t, nil)) },
				"no such grant":                  func() harness.Answer { return askWith(t, s, f.web, form("grant_type", "x"), h.proof(t, nil)) },
				"a scope that is not allowed": func() harness.Answer {
					return askWith(t, s, anonymous, signedBy(signed(), clientCredentials("scope", "admin")), h.proof(t, nil))
				},
				"a proof for elsewhere": func() harness.Answer {
					return askWith(t, s, anonymous, signedBy(signed(), clientCredentials()), h.proof(t, claims{"htu": "https://x.example"}))
				},
				"an assertion of an issuer for an unknown user": func() harness.Answer {
					return askWith(t, s, anonymous, bearer(f.byKey(t, claims{"sub": "mallory"})), h.proof(t, nil))
				},
				"introspection of nothing": func() harness.Answer {
					return s.Post(t, "/oauth2/introspect", anonymous, signedBy(signed(), url.Values{}))
				},
				"revocation of nothing": func() harness.Answer { return s.Post(t, "/oauth2/revoke", anonymous, signedBy(signed(), url.Values{})) },
				"a token that cannot be signed yet": func() harness.Answer {
					return askWith(t, s, anonymous, signedBy(signed(), clientCredentials("resource", "https://later.example.com")), h.proof(t, nil))
				},
			} {
				for range 5 {
					if answer := ask(); answer.Status < 400 || answer.Status == http.StatusInternalServerError {
						t.Errorf("%s: answered %d %s", name, answer.Status, answer.Raw)
					}
				}
				if n := usedUp(t, db) - before; n > 0 {
					t.Fatalf("%s: %d rows were written", name, n)
				}
			}
		})
		t.Run("what was refused is good for the request that is right", func(t *testing.T) {
			assertion, proof := signed(), h.proof(t, nil)
			pending := askWith(t, s, anonymous, signedBy(assertion, clientCredentials("resource", "https://later.example.com")), proof)
			wantError(t, pending, http.StatusServiceUnavailable, "temporarily_unavailable")
			again := askWith(t, s, anonymous, signedBy(assertion, clientCredentials("resource", "https://later.example.com")), proof)
			wantError(t, again, http.StatusServiceUnavailable, "temporarily_unavailable") // and not that the assertion was used before
			wantError(t, askWith(t, s, anonymous, signedBy(assertion, clientCredentials("scope", "admin")), proof), http.StatusBadRequest, "invalid_scope")
			if answer := askWith(t, s, anonymous, signedBy(assertion, clientCredentials()), proof); answer.Status != http.StatusOK {
				t.Fatalf("answered %d %s", answer.Status, answer.Raw)
			}
			wantError(t, askWith(t, s, anonymous, signedBy(assertion, clientCredentials()), h.proof(t, nil)), http.StatusUnauthorized, "invalid_client")
			fresh := signed()
			wantError(t, askWith(t, s, anonymous, signedBy(fresh, clientCredentials()), proof), http.StatusBadRequest, "invalid_dpop_proof")
			if answer := askWith(t, s, anonymous, signedBy(fresh, clientCredentials()), h.proof(t, nil)); answer.Status != http.StatusOK {
				t.Fatalf("the assertion went with the proof: %d %s", answer.Status, answer.Raw)
			}
		})
		t.Run("at the other endpoints too", func(t *testing.T) {
			token := s.MustToken(t, anonymous, signedBy(signed(), clientCredentials())).Text("access_token")
			for _, path := range []string{"/oauth2/introspect", "/oauth2/revoke"} {
				assertion := signed()
				wantError(t, s.Post(t, path, anonymous, signedBy(assertion, url.Values{})), http.StatusBadRequest, "invalid_request")
				if answer := s.Post(t, path, anonymous, signedBy(assertion, form("token", token))); answer.Status != http.StatusOK {
					t.Errorf("%s: answered %d %s", path, answer.Status, answer.Raw)
				}
				wantError(t, s.Post(t, path, anonymous, signedBy(assertion, form("token", token))), http.StatusUnauthorized, "invalid_client")
				wantError(t, askWith(t, s, anonymous, signedBy(assertion, clientCredentials())), http.StatusUnauthorized, "invalid_client")
			}
		})
		t.Run("of many at the same moment at two servers one gets a token", func(t *testing.T) {
			for name, parameters := range map[string]func() (url.Values, string){
				"an assertion and a proof": func() (url.Values, string) { return signedBy(signed(), clientCredentials()), h.proof(t, nil) },
				"a proof and a login":      func() (url.Values, string) { v := login(); v.Set("client_id", "spa"); return v, h.proof(t, nil) },
				"a proof and a refresh token": func() (url.Values, string) {
					v := refresh(s.MustToken(t, f.spa, login()).Text("refresh_token"))
					v.Set("client_id", "spa")
					return v, h.proof(t, nil)
				},
				"an issuer's assertion and a proof": func() (url.Values, string) { return bearer(f.byKey(t, nil)), h.proof(t, nil) },
			} {
				for range 5 {
					v, proof := parameters()
					good := 0
					for _, answer := range atOnce(8, func(i int) harness.Answer { return askWith(t, replicas[i%2], anonymous, v, proof) }) {
						if answer.Status == http.StatusOK {
							good++
						}
					}
					if good != 1 {
						t.Errorf("%s: %d of eight got a token", name, good)
					}
				}
			}
		})
		t.Run("a refresh that is sent again as it was is no theft", func(t *testing.T) {
			token := askWith(t, s, f.spa, login(), h.proof(t, nil)).Text("refresh_token")
			proof := h.proof(t, nil)
			next := askWith(t, s, f.spa, refresh(token), proof)
			if next.Status != http.StatusOK {
				t.Fatalf("answered %d %s", next.Status, next.Raw)
			}
			time.Sleep(2 * time.Second) // later than the grace
			wantError(t, askWith(t, replicas[1], f.spa, refresh(token), proof), http.StatusBadRequest, "invalid_dpop_proof")
			if answer := askWith(t, s, f.spa, refresh(next.Text("refresh_token")), h.proof(t, nil)); answer.Status != http.StatusOK {
				t.Errorf("the login is over: %d %s", answer.Status, answer.Raw)
			}
		})
	})
}
