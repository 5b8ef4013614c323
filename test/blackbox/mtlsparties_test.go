package blackbox

import (
	"crypto/ecdsa"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"authserver/internal/jose"
	"authserver/test/harness"
	"authserver/test/openapitest"
)

// pair is a certificate and its key, which may sign others.
type pair struct {
	certificate *x509.Certificate
	key         *ecdsa.PrivateKey
}

// issue makes a certificate, self-signed if there is no authority.
func issue(t *testing.T, by *pair, template x509.Certificate) *pair {
	t.Helper()
	if by == nil {
		by = new(pair)
	}
	certificate, key := harness.Certify(t, template, by.certificate, by.key)
	return &pair{certificate, key}
}

func authorityOf(t *testing.T, name string) *pair {
	return issue(t, nil, x509.Certificate{Subject: pkix.Name{CommonName: name}, IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign})
}

func (p *pair) pem() string {
	return certificatePEM(p.certificate.Raw)
}

func (p *pair) tls() *tls.Certificate {
	return &tls.Certificate{Certificate: [][]byte{p.certificate.Raw}, PrivateKey: p.key}
}

// cnf returns the claim of a token that is bound to the certificate.
func (p *pair) cnf() any {
	return map[string]any{"x5t#S256": jose.Thumbprint256(p.certificate.Raw)}
}

// parties are an authority with the certificates of some clients, and the registered clients.
type parties struct {
	*harness.Deployment
	authority, batch, other, stranger, expired, report, unknown *pair
}

func newParties(t *testing.T) *parties {
	t.Helper()
	named := func(name string) x509.Certificate {
		return x509.Certificate{
			Subject: pkix.Name{Organization: []string{"Example"}, CommonName: name}, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth},
		}
	}
	old := named("batch")
	old.NotBefore, old.NotAfter = time.Now().Add(-2*time.Hour), time.Now().Add(-time.Minute)
	p := &parties{Deployment: harness.SQLite(t), authority: authorityOf(t, "Clients CA"), report: issue(t, nil, named("report")), unknown: issue(t, nil, named("report"))}
	p.batch, p.other, p.expired = issue(t, p.authority, named("batch")), issue(t, p.authority, named("other")), issue(t, p.authority, old)
	p.stranger = issue(t, authorityOf(t, "Clients CA"), named("batch"))
	p.Set("TLS_CLIENT_CA_FILE", p.File("clients-ca.pem", p.authority.pem()))
	p.Run("migrate", "up")
	p.Run("resource", "create", "--id", apiRS256, "--scope", "read")
	create := func(id string, args ...string) {
		p.Run(append([]string{"client", "create", "--id", id, "--grant", "client_credentials", "--scope", "read", "--resource", apiRS256}, args...)...)
	}
	create("batch", "--auth-method", "tls_client_auth", "--tls-subject-dn", "CN=batch,O=Example")
	create("report", "--auth-method", "self_signed_tls_client_auth", "--certificate-file", p.File("report.pem", p.report.pem()))
	create("bound", "--tls-bound", "--auth-method", "client_secret_post", "--secret-file", p.File("web.secret", webSecret+"\n"))
	create("plain", "--auth-method", "client_secret_post", "--secret-file", p.File("web.secret", webSecret+"\n"))
	return p
}

// asking returns a client that trusts the server and presents a certificate, or none.
func asking(t *testing.T, trusted *x509.Certificate, certificate *tls.Certificate) *http.Client {
	t.Helper()
	return openapitest.New(t).HostileClient(presenting(t, trusted, certificate))
}

// presenting returns a client for any server over TLS.
func presenting(t *testing.T, trusted *x509.Certificate, certificate *tls.Certificate) *http.Client {
	t.Helper()
	roots := x509.NewCertPool()
	roots.AddCert(trusted)
	transport := &http.Transport{ForceAttemptHTTP2: true, TLSClientConfig: &tls.Config{
		RootCAs: roots, ServerName: "127.0.0.1",
		GetClientCertificate: func(*tls.CertificateRequestInfo) (*tls.Certificate, error) {
			if certificate == nil {
				return new(tls.Certificate), nil
			}
			return certificate, nil
		},
	}}
	t.Cleanup(transport.CloseIdleConnections)
	return &http.Client{Transport: transport}
}

// askBy sends a token request and returns the claim "cnf" of the token, or the error.
func askBy(t *testing.T, client *http.Client, base, form string, header http.Header) (cnf any, refused string) {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, base+"/oauth2/token", strings.NewReader("grant_type=client_credentials&"+form))
	if err != nil {
		t.Fatal(err)
	}
	for name, values := range header {
		request.Header[name] = values
	}
	request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	response, err := client.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	raw, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	body := decoded(t, raw)
	if response.StatusCode != http.StatusOK {
		return nil, body["error"].(string)
	}
	return decoded(t, decodePart(t, body["access_token"].(string), 1))["cnf"], ""
}

func decoded(t *testing.T, raw []byte) (body map[string]any) {
	t.Helper()
	if err := json.Unmarshal(raw, &body); err != nil {
		t.Fatalf("%v in %s", err, raw)
	}
	return body
}
