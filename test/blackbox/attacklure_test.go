package blackbox

import (
	"crypto/ecdsa"
	"encoding/base64"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"authserver/test/harness"
)

// lure is the server to which the assertions of an attack point. The server under test trusts its
// authority and may connect to its address, and with the content of the lure the attacks would
// succeed. So only the server's own rules keep it from asking the lure.
type lure struct {
	*httptest.Server
	key         *ecdsa.PrivateKey
	certificate []byte // DER
	jwk, jwks   string

	mu          sync.Mutex
	connections int
	paths       []string
}

func newLure(t *testing.T) *lure {
	t.Helper()
	key := newHolder(t).key
	l := &lure{key: key, certificate: selfSigned(t, key, time.Now().Add(-time.Hour), time.Now().Add(time.Hour))}
	l.jwks = jwkSet(t, map[string]any{"e1": key.Public()})
	l.jwk = strings.TrimSuffix(strings.TrimPrefix(l.jwks, `{"keys":[`), `]}`)
	l.Server = httptest.NewUnstartedServer(l)
	l.Config.ConnState = func(_ net.Conn, state http.ConnState) {
		if state == http.StateNew {
			l.mu.Lock()
			defer l.mu.Unlock()
			l.connections++
		}
	}
	l.StartTLS()
	t.Cleanup(l.Close)
	return l
}

func (l *lure) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.paths = append(l.paths, r.URL.Path)
	w.Header().Set("Cache-Control", "max-age=3600")
	switch r.URL.Path {
	case "/certificate.pem":
		_, _ = w.Write([]byte(certificatePEM(l.certificate)))
	case "/.well-known/openid-configuration", "/.well-known/oauth-authorization-server":
		_, _ = fmt.Fprintf(w, `{"issuer":%q,"jwks_uri":%q}`, l.URL, l.URL+"/jwks")
	default:
		_, _ = w.Write([]byte(l.jwks))
	}
}

// reached lets the server fetch a key set from the lure once, for an issuer that is registered with
// it, so it could fetch more. It returns the visits until then.
func (l *lure) reached(t *testing.T, f *fixture, s *harness.Server) string {
	t.Helper()
	const iss = "https://remote.example.com"
	f.Run("issuer", "create", "--iss", iss, "--jwks-uri", l.URL+"/registered", "--require-client-auth=false", "--scope", "read", "--resource", apiRS256)
	assertion := func() string {
		return sign(t, "ES256", l.key, map[string]any{"kid": "e1"}, assertionClaims(iss, "alice", nil))
	}
	harness.Eventually(t, reached, "an issuer whose keys are at the lure is believed", func() bool {
		return s.Token(t, harness.Credentials{}, bearer(assertion())).Status == http.StatusOK
	})
	visits := l.visits()
	if !strings.Contains(visits, "/registered") {
		t.Errorf("its keys were not fetched: %s", visits)
	}
	return visits
}

// visits returns the requests to the lure.
func (l *lure) visits() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return fmt.Sprintf("%d connections for %v", l.connections, slices.Clone(l.paths))
}

// members returns the members by which a header can name or contain its key (RFC 7515 sections
// 4.1.2 to 4.1.6), all of them the attacker's.
func (l *lure) members() map[string]string {
	return map[string]string{
		"jku": fmt.Sprintf(`"jku":%q`, l.URL+"/jwks"),
		"x5u": fmt.Sprintf(`"x5u":%q`, l.URL+"/certificate.pem"),
		"jwk": `"jwk":` + l.jwk,
		"x5c": fmt.Sprintf(`"x5c":[%q]`, base64.StdEncoding.EncodeToString(l.certificate)),
	}
}
