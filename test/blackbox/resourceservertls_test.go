package blackbox

import (
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"

	"authserver/internal/testkit"
	"authserver/test/harness"
)

// exampleOverTLS is a server and the example of an API, both over TLS, each with an authority of
// its own, and the clients with certificates.
type exampleOverTLS struct {
	*parties
	server  *harness.Server
	own     *pair // the certificate of the server
	api     *pair // the certificate of the API
	address string
	base    string // the URL of the API for its clients
}

func newExampleOverTLS(t *testing.T) *exampleOverTLS {
	t.Helper()
	e := &exampleOverTLS{parties: newParties(t), base: "https://orders.example.com/v1"}
	e.own = e.serving(t)
	e.server = startAtIssuer(t, e.Deployment, "https")
	e.api = issue(t, nil, x509.Certificate{IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}})
	e.address = exampleAPI(t, append(e.tlsOfAPI(t), "-issuer", e.server.URL, "-issuer-ca-file", e.File("issuer-ca.pem", e.own.pem()),
		"-audience", apiRS256, "-base-url", e.base)...)
	return e
}

func (e *exampleOverTLS) tlsOfAPI(t *testing.T) []string {
	t.Helper()
	return []string{"-tls-certificate-file", e.File("api.pem", e.api.pem()), "-tls-key-file", e.File("api-key.pem", harness.KeyPEM(t, e.api.key))}
}

// token returns an access token of a client that presents a certificate, or none.
func (e *exampleOverTLS) token(t *testing.T, by *pair, form string, header http.Header) string {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, e.server.URL+"/oauth2/token", strings.NewReader("grant_type=client_credentials&"+form))
	if err != nil {
		t.Fatal(err)
	}
	for name, values := range header {
		request.Header[name] = values
	}
	request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	response, err := asking(t, e.own.certificate, certificateOf(by)).Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	raw, err := io.ReadAll(response.Body)
	if err != nil || response.StatusCode != http.StatusOK {
		t.Fatalf("%d %s %v", response.StatusCode, raw, err)
	}
	return decoded(t, raw)["access_token"].(string)
}

func certificateOf(p *pair) *tls.Certificate {
	if p == nil {
		return nil
	}
	return p.tls()
}

// call calls the API with a certificate, or none.
func (e *exampleOverTLS) call(t *testing.T, with *pair, scheme, token string, proofs ...string) called {
	t.Helper()
	return call(t, presenting(t, e.api.certificate, certificateOf(with)), "https://"+e.address+"/orders", scheme, token, proofs...)
}

func (e *exampleOverTLS) wants(t *testing.T, name string, answer called, status int, challenge string) {
	t.Helper()
	if answer.status != status || challenge != "" && !strings.HasPrefix(strings.Join(answer.challenges, "\n"), challenge) {
		t.Errorf("%s: it answers %s, want %d %s", name, answer, status, challenge)
	}
}

// RFC 8705 §3, RFC 9449 §7, RFC 6750 §3: the tokens of a real server at a real API are bound to the
// certificates and keys of their clients.
func TestExampleResourceServerOverTLS(t *testing.T) {
	t.Parallel()
	e := newExampleOverTLS(t)
	realm := ` realm="` + apiRS256 + `"`
	t.Run("bound to a certificate", func(t *testing.T) {
		byAuthority, bySelf := e.token(t, e.batch, "client_id=batch", nil), e.token(t, e.report, "client_id=report", nil)
		refused := "Bearer" + realm + `, error="invalid_token"`
		e.wants(t, "its certificate", e.call(t, e.batch, "Bearer", byAuthority), 200, "")
		e.wants(t, "its certificate, which it signed itself", e.call(t, e.report, "Bearer", bySelf), 200, "")
		e.wants(t, "no certificate", e.call(t, nil, "Bearer", byAuthority), 401, refused)
		e.wants(t, "another certificate", e.call(t, e.report, "Bearer", byAuthority), 401, refused)
		e.wants(t, "another certificate of that name", e.call(t, e.unknown, "Bearer", bySelf), 401, refused)
	})
	t.Run("bound to a key", func(t *testing.T) {
		h := newHolder(t)
		secret := "client_id=plain&client_secret=" + webSecret
		token := e.token(t, nil, secret, http.Header{"Dpop": {h.proof(t, claims{"htu": e.server.URL + "/oauth2/token"})}})
		sum := sha256.Sum256([]byte(token))
		proof := func(change claims) string {
			c := claims{"htm": "GET", "htu": e.base + "/orders", "ath": base64.RawURLEncoding.EncodeToString(sum[:])}
			for name, value := range change {
				c[name] = value
			}
			return h.proof(t, c)
		}
		once := proof(nil)
		refused := "DPoP" + realm + `, algs="`
		e.wants(t, "with a proof", e.call(t, nil, "DPoP", token, once), 200, "")
		e.wants(t, "with the scheme in lower case", e.call(t, nil, "dpop", token, proof(nil)), 200, "")
		e.wants(t, "with a certificate beside", e.call(t, e.other, "DPoP", token, proof(nil)), 200, "")
		for name, answer := range map[string]called{
			"with the proof again":                  e.call(t, nil, "DPoP", token, once),
			"without a proof":                       e.call(t, nil, "DPoP", token),
			"with two proofs":                       e.call(t, nil, "DPoP", token, proof(nil), proof(nil)),
			"for the address that was connected to": e.call(t, nil, "DPoP", token, proof(claims{"htu": "https://" + e.address + "/orders"})),
			"for another method":                    e.call(t, nil, "DPoP", token, proof(claims{"htm": "POST"})),
			"without the hash of the token":         e.call(t, nil, "DPoP", token, proof(claims{"ath": nil})),
		} {
			e.wants(t, name, answer, 401, refused)
			if !strings.Contains(answer.challenges[0], `error="invalid_dpop_proof"`) {
				t.Errorf("%s: %s", name, answer)
			}
		}
		e.wants(t, "as a bearer token", e.call(t, nil, "Bearer", token), 401, "Bearer"+realm+`, error="invalid_token"`)
		free := e.token(t, nil, secret, nil)
		e.wants(t, "a free token", e.call(t, nil, "Bearer", free), 200, "")
	})
	t.Run("no token", func(t *testing.T) {
		answer := e.call(t, nil, "", "")
		e.wants(t, "no token", answer, 401, "Bearer"+realm+"\nDPoP"+realm+`, algs="`)
		if all := strings.Join(answer.challenges, " "); strings.Contains(all, "error") {
			t.Errorf("it names an error: %s", all)
		}
	})
	t.Run("only AEAD suites with ephemeral keys are spoken", e.speaksNoWeakSuite)
	t.Run("another authority of the issuer", func(t *testing.T) {
		e.address = exampleAPI(t, append(e.tlsOfAPI(t), "-issuer", e.server.URL, "-issuer-ca-file", e.File("other-ca.pem", e.authority.pem()), "-audience", apiRS256)...)
		answer := e.call(t, nil, "Bearer", e.token(t, nil, "client_id=plain&client_secret="+webSecret, nil))
		if answer.status != http.StatusServiceUnavailable || answer.header.Get("Retry-After") == "" {
			t.Errorf("it answers %s", answer)
		}
	})
}

func (e *exampleOverTLS) speaksNoWeakSuite(t *testing.T) {
	dial := func(c *tls.Config) error {
		c.InsecureSkipVerify = true
		connection, err := tls.Dial("tcp", e.address, c)
		if err == nil {
			_ = connection.Close()
		}
		return err
	}
	for name, suites := range testkit.WeakSuites() {
		if dial(&tls.Config{MaxVersion: tls.VersionTLS12, CipherSuites: suites}) == nil {
			t.Errorf("%s is spoken", name)
		}
	}
	if dial(&tls.Config{MinVersion: tls.VersionTLS10, MaxVersion: tls.VersionTLS11}) == nil {
		t.Error("TLS 1.1 is spoken")
	}
	for _, version := range []uint16{tls.VersionTLS12, tls.VersionTLS13} {
		if err := dial(&tls.Config{MinVersion: version, MaxVersion: version}); err != nil {
			t.Errorf("version %x: %v", version, err)
		}
	}
}
