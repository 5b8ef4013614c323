package blackbox

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha1"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"math/big"
	"net/http"
	"net/http/httptest"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/lestrrat-go/jwx/v2/jwa"
)

// publisher is an issuer with an authority of its own: it serves its metadata and its keys over
// https, and changes the keys.
type publisher struct {
	*httptest.Server
	keysPath  string         // of its JWK Set
	metadata  map[string]any // in addition to issuer and jwks_uri
	certified bool           // its keys have certificates, which its tokens name

	mu      sync.Mutex
	key     publishedBy
	down    bool
	fetches atomic.Int32
}

// publishedBy is a signing key of a publisher.
type publishedBy struct {
	private     *rsa.PrivateKey
	kid         string
	certificate []byte // DER; nil: none
}

func newPublisher(t *testing.T, p *publisher) *publisher {
	t.Helper()
	p.rotate(t)
	p.Server = httptest.NewTLSServer(p)
	t.Cleanup(p.Close)
	return p
}

func (p *publisher) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	p.mu.Lock()
	defer p.mu.Unlock()
	switch {
	case p.down:
		w.WriteHeader(http.StatusServiceUnavailable)
	case r.URL.Path == "/.well-known/openid-configuration":
		all := map[string]any{"issuer": p.URL, "jwks_uri": p.URL + p.keysPath}
		for name, value := range p.metadata {
			all[name] = value
		}
		_ = json.NewEncoder(w).Encode(all)
	case r.URL.Path == p.keysPath:
		p.fetches.Add(1)
		w.Header().Set("Content-Type", "application/jwk-set+json")
		_ = json.NewEncoder(w).Encode(map[string]any{"keys": []any{p.key.jwk()}})
	default:
		http.NotFound(w, r)
	}
}

func (k publishedBy) jwk() map[string]any {
	jwk := map[string]any{"kty": "RSA", "use": "sig", "alg": "RS256", "kid": k.kid, "n": base64.RawURLEncoding.EncodeToString(k.private.N.Bytes()), "e": "AQAB"}
	if k.certificate != nil {
		jwk["x5c"], jwk["x5t"] = []string{base64.StdEncoding.EncodeToString(k.certificate)}, k.x5t()
	}
	return jwk
}

// x5t returns the name of the certificate (RFC 7515 section 4.1.7).
func (k publishedBy) x5t() string {
	sum := sha1.Sum(k.certificate)
	return base64.RawURLEncoding.EncodeToString(sum[:])
}

// rotate changes the key, and no longer publishes the one before. It returns that one.
func (p *publisher) rotate(t *testing.T) publishedBy {
	t.Helper()
	private, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	next := publishedBy{private: private, kid: fmt.Sprintf("k%x", private.N.Bytes()[:4])}
	if p.certified {
		template := &x509.Certificate{SerialNumber: big.NewInt(1), NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour)}
		if next.certificate, err = x509.CreateCertificate(rand.Reader, template, template, private.Public(), private); err != nil {
			t.Fatal(err)
		}
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	before := p.key
	p.key = next
	return before
}

// token returns a workload's identity token, as the platform issues it.
func (p *publisher) token(t *testing.T, sub string, more claims) string {
	t.Helper()
	p.mu.Lock()
	key := p.key
	p.mu.Unlock()
	return key.sign(t, assertionClaims(p.URL, sub, more))
}

func (k publishedBy) sign(t *testing.T, c claims) string {
	t.Helper()
	header := map[string]any{"kid": k.kid}
	if k.certificate != nil {
		header["x5t"], header["typ"] = k.x5t(), "JWT"
	}
	return sign(t, jwa.RS256, k.private, header, c)
}

// trusted lets later servers connect to a publisher and trust its authority, which no system
// trusts.
func (p *publisher) trusted(f *fixture) {
	f.Set("FETCH_CA_FILE", f.File("publisher-ca.pem", certificatePEM(p.Certificate().Raw)))
	f.Set("FETCH_ALLOW_HOST", "127.0.0.1")
}
