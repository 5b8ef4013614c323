package blackbox

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/lestrrat-go/jwx/v2/jwa"

	"authserver/test/harness"
)

const keysPath = "/keys"

// These keys are published, not registered: the server finds them by the issuer's metadata or under
// their URL, follows their changes, keeps them while the issuer is down, and never fetches them
// because an attacker wants it.
func TestKeysThatAnIssuerPublishes(t *testing.T) {
	t.Parallel()
	harness.OnBoth(t, func(t *testing.T, d *harness.Deployment) {
		f := register(t, d)
		p := newPublisher(t, &publisher{keysPath: keysPath})
		p.trusted(f)
		limits := []string{"--subject", "any", "--require-client-auth=false", "--scope", "read", "--resource", apiRS256}
		shown := f.JSON("", append([]string{"issuer", "create", "--iss", p.URL, "--discovery"}, limits...)...)
		if shown["key_source"] != "discovery" {
			t.Errorf("the key source is %v", shown["key_source"])
		}
		s := f.Start()
		workload := "workload-7"
		answer := s.MustToken(t, harness.Credentials{}, bearer(p.token(t, workload, nil)))
		wantClaims(t, s.Verify(t, answer.Text("access_token"), apiRS256), map[string]any{"sub": workload})

		p.rotate(t)
		s.MustToken(t, harness.Credentials{}, bearer(p.token(t, workload, nil)))
		before, began := p.fetches.Load(), time.Now()
		for i := range 200 {
			forged := sign(t, jwa.RS256, f.rsa, map[string]any{"kid": fmt.Sprint("made up ", i)}, assertionClaims(p.URL, workload, nil))
			wantError(t, s.Token(t, harness.Credentials{}, bearer(forged)), http.StatusBadRequest, "invalid_grant")
		}
		const cooldown = 30 * time.Second
		if n, took := p.fetches.Load()-before, time.Since(began); n > 1+int32(took/cooldown) {
			t.Errorf("200 made up kids drove %d fetches in %s", n, took)
		}
		p.mu.Lock()
		p.down = true
		p.mu.Unlock()
		s.MustToken(t, harness.Credentials{}, bearer(p.token(t, workload, nil)))

		t.Run("under their URL, and a client's too", func(t *testing.T) {
			q := newPublisher(t, &publisher{keysPath: keysPath})
			q.trusted(f)
			f.Run(append([]string{"issuer", "create", "--iss", "https://ci.example.com", "--jwks-uri", q.URL + keysPath, "--alg", "RS256"}, limits...)...)
			f.Run("client", "create", "--id", "runner", "--auth-method", "private_key_jwt", "--jwks-uri", q.URL+keysPath, "--grant", "client_credentials", "--scope", "read", "--resource", apiRS256)
			s := f.Start()
			s.MustToken(t, harness.Credentials{}, bearer(q.token(t, workload, claims{"iss": "https://ci.example.com"})))
			s.MustToken(t, harness.Credentials{}, signedBy(q.token(t, "runner", claims{"iss": "runner"}), clientCredentials()))
		})
		t.Run("an issuer that never answered is asked to come back for", func(t *testing.T) {
			f.Run(append([]string{"issuer", "create", "--iss", "https://gone.example.com", "--jwks-uri", "https://127.0.0.1:1/jwks"}, limits...)...)
			var answer harness.Answer
			harness.Eventually(t, reached, "the issuer is known", func() bool {
				answer = s.Token(t, harness.Credentials{}, bearer(p.token(t, workload, claims{"iss": "https://gone.example.com"})))
				return answer.Status == http.StatusServiceUnavailable
			})
			if answer.Header.Get("Retry-After") == "" || strings.Contains(string(answer.Raw), "127.0.0.1") {
				t.Errorf("the answer is %v %s", answer.Header, answer.Raw)
			}
		})
		t.Run("what is not allowed is not registered", func(t *testing.T) {
			for _, source := range [][]string{
				{"--jwks-uri", "http://idp.example.com/jwks"}, {"--jwks-uri", "https://user@idp.example.com/jwks"},
				{"--jwks-uri", "https://idp.example.com/jwks", "--discovery"}, {"--jwks-uri", "https://idp.example.com/jwks", "--alg", "HS256"},
			} {
				if _, stderr, code := f.Try("", append([]string{"issuer", "create", "--iss", "https://idp.example.com"}, source...)...); code != 2 {
					t.Errorf("%v exits %d: %s", source, code, stderr)
				}
			}
		})
	})
}

// Without permission, the server does not fetch a URL that leads into the private network.
func TestKeysAreNotFetchedFromPrivateAddresses(t *testing.T) {
	t.Parallel()
	d := harness.SQLite(t)
	f := register(t, d)
	p := newPublisher(t, &publisher{keysPath: keysPath})
	p.trusted(f)
	d.Set("FETCH_ALLOW_HOST", "")
	f.Run("issuer", "create", "--iss", p.URL, "--discovery", "--subject", "any", "--require-client-auth=false", "--scope", "read", "--resource", apiRS256)
	s := f.Start()
	if answer := s.Token(t, harness.Credentials{}, bearer(p.token(t, "workload", nil))); answer.Status != http.StatusServiceUnavailable {
		t.Errorf("got %d %s", answer.Status, answer.Raw)
	}
	if p.fetches.Load() != 0 {
		t.Error("it was fetched from")
	}
	d.Set("FETCH_CA_FILE", f.File("empty.pem", "nothing"))
	if _, stderr, code := f.Try("", "serve"); code == 0 || !strings.Contains(stderr, "--fetch-ca-file") {
		t.Errorf("a file without certificates: exit %d, %s", code, stderr)
	}
}
