package verifier_test

import (
	"crypto/ecdsa"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"authserver/internal/testkit"
	"authserver/verifier"
)

const audience = "https://api.example.com"

// issuer is an authorization server over TLS, with a clock of the test.
type issuer struct {
	t      testing.TB
	server *httptest.Server
	url    string // the issuer identifier, with a path

	mu        sync.Mutex
	now       time.Time
	keys      map[string]*ecdsa.PrivateKey // the published keys
	down      bool
	said      string // "": url, as the metadata's issuer
	jwksURI   string // "": the usual URL of the keys
	age       string // the header; "": none
	fetches   int    // of the keys
	discovers int
}

func newIssuer(t testing.TB) *issuer {
	t.Helper()
	i := &issuer{t: t, now: time.Unix(1_800_000_000, 0), keys: map[string]*ecdsa.PrivateKey{}}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /.well-known/oauth-authorization-server/tenant", i.metadata)
	mux.HandleFunc("GET /keys", i.jwks)
	i.server = httptest.NewTLSServer(mux)
	t.Cleanup(i.server.Close)
	i.url = i.server.URL + "/tenant"
	i.rotate("one")
	return i
}

func (i *issuer) metadata(w http.ResponseWriter, _ *http.Request) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.discovers++
	said, uri := i.url, i.server.URL+"/keys"
	if i.said != "" {
		said = i.said
	}
	if i.jwksURI != "" {
		uri = i.jwksURI
	}
	i.answer(w, map[string]any{"issuer": said, "jwks_uri": uri})
}

func (i *issuer) jwks(w http.ResponseWriter, _ *http.Request) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.fetches++
	keys := []json.RawMessage{}
	for kid, private := range i.keys {
		keys = append(keys, testkit.JWK(i.t, private.Public(), map[string]any{"kid": kid}))
	}
	i.answer(w, map[string]any{"keys": keys})
}

func (i *issuer) answer(w http.ResponseWriter, document any) {
	if i.down {
		w.WriteHeader(http.StatusServiceUnavailable)
		return
	}
	w.Header().Set("Cache-Control", "public, max-age=600")
	if i.age != "" {
		w.Header().Set("Age", i.age)
	}
	_ = json.NewEncoder(w).Encode(document)
}

// rotate publishes one key instead of all others.
func (i *issuer) rotate(kid string) {
	i.t.Helper()
	private := testkit.P256(i.t)
	i.change(func() { i.keys = map[string]*ecdsa.PrivateKey{kid: private} })
}

func (i *issuer) change(change func()) {
	i.mu.Lock()
	defer i.mu.Unlock()
	change()
}

func (i *issuer) wait(d time.Duration) { i.change(func() { i.now = i.now.Add(d) }) }

func (i *issuer) clock() time.Time {
	i.mu.Lock()
	defer i.mu.Unlock()
	return i.now
}

func (i *issuer) fetched() int {
	i.mu.Lock()
	defer i.mu.Unlock()
	return i.fetches
}

func (i *issuer) verifier(change func(*verifier.Options)) *verifier.Verifier {
	i.t.Helper()
	o := verifier.Options{HTTPClient: i.server.Client(), Now: i.clock}
	if change != nil {
		change(&o)
	}
	v, err := verifier.New(i.url, audience, o)
	if err != nil {
		i.t.Fatal(err)
	}
	i.t.Cleanup(v.Close)
	return v
}

// claims returns the claims of a good token, with changes; nil removes a claim.
func (i *issuer) claims(change map[string]any) map[string]any {
	now := i.clock().Unix()
	claims := map[string]any{
		"iss": i.url, "sub": "alice", "aud": audience, "client_id": "web", "jti": "id", "iat": now, "nbf": now, "exp": now + 300,
		"scope": "read write", "roles": []string{"admin"}, "permissions": []string{"orders:read"},
	}
	for name, value := range change {
		if claims[name] = value; value == nil {
			delete(claims, name)
		}
	}
	return claims
}

func (i *issuer) token(change map[string]any) string {
	i.mu.Lock()
	var kid string
	for kid = range i.keys {
	}
	private := i.keys[kid]
	i.mu.Unlock()
	return sign(i.t, "ES256", private, map[string]any{"kid": kid}, i.claims(change))
}

// sign signs a token; header has the members that are not usual.
func sign(t testing.TB, alg string, key any, header map[string]any, claims any) string {
	t.Helper()
	all := map[string]any{"typ": "at+jwt", "alg": alg}
	maps.Copy(all, header)
	return testkit.JWS(t, alg, key, all, claims)
}

// eventually polls, because fetches run in the background.
func eventually(t *testing.T, what string, holds func() bool) {
	t.Helper()
	for end := time.Now().Add(time.Minute); !holds(); time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("in vain waited until " + what)
		}
	}
}

func named(prefix string, n int) string { return fmt.Sprintf("%s-%d", prefix, n) }
