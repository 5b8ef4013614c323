package blackbox

import (
	"crypto/rand"
	"crypto/rsa"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/lestrrat-go/jwx/v2/jwa"

	"authserver/test/harness"
)

// pipeline is an issuer of workload identities with an authority of its own: it
// serves its metadata and its keys over https, and changes the keys.
type pipeline struct {
	*httptest.Server
	mu      sync.Mutex
	key     *rsa.PrivateKey
	kid     string
	down    bool
	fetches atomic.Int32
}

func newPipeline(t *testing.T) *pipeline {
	t.Helper()
	p := &pipeline{}
	p.rotate(t)
	p.Server = httptest.NewTLSServer(p)
	t.Cleanup(p.Close)
	return p
}

func (p *pipeline) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	p.mu.Lock()
	defer p.mu.Unlock()
	switch {
	case p.down:
		w.WriteHeader(http.StatusServiceUnavailable)
	case r.URL.Path == "/.well-known/openid-configuration":
		_ = json.NewEncoder(w).Encode(map[string]any{"issuer": p.URL, "jwks_uri": p.URL + "/openid/v1/jwks"})
	case r.URL.Path == "/openid/v1/jwks":
		p.fetches.Add(1)
		w.Header().Set("Content-Type", "application/jwk-set+json")
		_, _ = w.Write([]byte(p.jwks()))
	default:
		http.NotFound(w, r)
	}
}

func (p *pipeline) jwks() string {
	return fmt.Sprintf(`{"keys":[{"kty":"RSA","use":"sig","alg":"RS256","kid":%q,"n":%q,"e":"AQAB"}]}`, p.kid, base64.RawURLEncoding.EncodeToString(p.key.N.Bytes()))
}

func (p *pipeline) rotate(t *testing.T) {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.key, p.kid = key, fmt.Sprintf("k%x", key.N.Bytes()[:4])
}

// token is a workload's identity, as the platform hands it out.
func (p *pipeline) token(t *testing.T, sub string, more claims) string {
	t.Helper()
	p.mu.Lock()
	defer p.mu.Unlock()
	return sign(t, jwa.RS256, p.key, map[string]any{"kid": p.kid}, assertionClaims(p.URL, sub, more))
}

// authority is the platform's own, which no system trusts.
func (p *pipeline) authority(f *fixture) string {
	return f.File("pipeline-ca.pem", certificatePEM(p.Certificate().Raw))
}

// Keys that are published, not registered: found by the issuer's metadata or under
// their URL, followed as they change, kept while the issuer is down, and never
// fetched because a stranger wants it.
func TestKeysThatAnIssuerPublishes(t *testing.T) {
	harness.OnBoth(t, func(t *testing.T, d *harness.Deployment) {
		f := register(t, d)
		p := newPipeline(t)
		d.Set("FETCH_CA_FILE", p.authority(f))
		d.Set("FETCH_ALLOW_HOST", "127.0.0.1")
		limits := []string{"--subject", "any", "--require-client-auth=false", "--scope", "read", "--resource", apiRS256}
		shown := f.JSON("", append([]string{"issuer", "create", "--iss", p.URL, "--discovery"}, limits...)...)
		if shown["key_source"] != "discovery" {
			t.Errorf("the key source is %v", shown["key_source"])
		}
		s := f.Start()
		workload := "system:serviceaccount:shop:orders"
		answer := s.MustToken(t, harness.Credentials{}, bearer(p.token(t, workload, nil)))
		wantClaims(t, s.Verify(t, answer.Text("access_token"), apiRS256), map[string]any{"sub": workload})

		p.rotate(t)
		s.MustToken(t, harness.Credentials{}, bearer(p.token(t, workload, nil)))
		before := p.fetches.Load()
		for i := range 200 {
			forged := sign(t, jwa.RS256, f.rsa, map[string]any{"kid": fmt.Sprint("made up ", i)}, assertionClaims(p.URL, workload, nil))
			wantError(t, s.Token(t, harness.Credentials{}, bearer(forged)), http.StatusBadRequest, "invalid_grant")
		}
		if n := p.fetches.Load() - before; n > 1 {
			t.Errorf("200 made up kids drove %d fetches", n)
		}
		p.mu.Lock()
		p.down = true
		p.mu.Unlock()
		s.MustToken(t, harness.Credentials{}, bearer(p.token(t, workload, nil)))

		t.Run("under their URL, and a client's too", func(t *testing.T) {
			q := newPipeline(t)
			d.Set("FETCH_CA_FILE", q.authority(f))
			f.Run(append([]string{"issuer", "create", "--iss", "https://ci.example.com", "--jwks-uri", q.URL + "/openid/v1/jwks", "--alg", "RS256"}, limits...)...)
			f.Run("client", "create", "--id", "runner", "--auth-method", "private_key_jwt", "--jwks-uri", q.URL+"/openid/v1/jwks", "--grant", "client_credentials", "--scope", "read", "--resource", apiRS256)
			s := f.Start()
			s.MustToken(t, harness.Credentials{}, bearer(q.token(t, workload, claims{"iss": "https://ci.example.com"})))
			s.MustToken(t, harness.Credentials{}, signedBy(q.token(t, "runner", claims{"iss": "runner"}), clientCredentials()))
		})
		t.Run("an issuer that never answered is asked to come back for", func(t *testing.T) {
			f.Run(append([]string{"issuer", "create", "--iss", "https://gone.example.com", "--jwks-uri", "https://127.0.0.1:1/jwks"}, limits...)...)
			var answer harness.Answer
			harness.Eventually(t, promised, "the issuer is known", func() bool {
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

// Without leave a URL that leads into the private network is not fetched from.
func TestKeysAreNotFetchedFromPrivateAddresses(t *testing.T) {
	d := harness.SQLite(t)
	f := register(t, d)
	p := newPipeline(t)
	d.Set("FETCH_CA_FILE", p.authority(f))
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
