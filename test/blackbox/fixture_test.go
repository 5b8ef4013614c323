package blackbox

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/json"
	"net/url"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/lestrrat-go/jwx/v2/jwa"
	"github.com/lestrrat-go/jwx/v2/jws"

	"authserver/internal/testkit"
	"authserver/test/harness"
)

func TestMain(m *testing.M) { harness.Main(m, dropRegistered) }

const (
	jwtBearer = "urn:ietf:params:oauth:grant-type:jwt-bearer"
	apiRS256  = "https://api.example.com"
	apiES256  = "https://es.example.com"
	// The secrets that no log and no dump may contain.
	alicePassword = "correct horse battery staple"
	webSecret     = "web-secret-that-an-administrator-brought"
	sharedSecret  = "shared-secret-of-an-issuer-32-bytes!"
)

// fixture is a deployment with the registrations of an administrator, made only through the command
// line.
type fixture struct {
	*harness.Deployment
	web    harness.Credentials // all grants, with a secret of the administrator
	batch  harness.Credentials // client_credentials, with a secret of the server
	reader harness.Credentials // serves apiRS256: may introspect its tokens
	spa    harness.Credentials // public
	alice  string              // the user's id
	rsa    *rsa.PrivateKey     // of issuer https://rsa.example.com, registered as a JWK Set
	ec     *ecdsa.PrivateKey   // of issuer https://cert.example.com, registered as a certificate
	cert   []byte              // DER
}

const (
	rsaIssuer    = "https://rsa.example.com"
	certIssuer   = "https://cert.example.com"
	secretIssuer = "https://secret.example.com"
)

// register makes the fixture, on which a server with the usual settings has already served. It
// copies what was made for the first test of an engine, because a dozen commands and the first keys
// take longer than most tests.
func register(t *testing.T, d *harness.Deployment) *fixture {
	t.Helper()
	return servedOn[d.Engine].copy(t, d)
}

// registerUnserved makes the fixture for a test of the first server itself, or of shorter lifetimes
// than those that a server with the usual settings promises.
func registerUnserved(t *testing.T, d *harness.Deployment) *fixture {
	t.Helper()
	return registeredOn[d.Engine].copy(t, d)
}

// registerByCommands makes the fixture as an administrator does.
func registerByCommands(t *testing.T, d *harness.Deployment) *fixture {
	t.Helper()
	f := &fixture{Deployment: d}
	d.Run("migrate", "up")
	d.Run("resource", "create", "--id", apiRS256, "--scope", "read", "--scope", "write")
	d.Run("resource", "create", "--id", apiES256, "--scope", "read", "--signing-alg", "ES256", "--access-token-ttl", "5m")

	both := []string{"--scope", "read", "--scope", "write", "--resource", apiRS256, "--resource", apiES256}
	all := []string{"--grant", "client_credentials", "--grant", "password", "--grant", "refresh_token", "--grant", "jwt-bearer"}
	f.web = f.client("web", append(append(all, both...), "--secret-file", d.File("web.secret", webSecret+"\n"), "--role", "service")...)
	f.web.Secret = webSecret
	f.batch = f.client("batch", append(both, "--grant", "client_credentials", "--default-scope", "read")...)
	f.reader = f.client("reader", "--serves", apiRS256, "--grant", "client_credentials", "--scope", "read", "--resource", apiRS256)
	f.spa = f.client("spa", append(both, "--public", "--grant", "password", "--grant", "refresh_token")...)
	f.alice = d.JSON(alicePassword+"\n", "user", "create", "--username", "alice", "--email", "alice@example.com", "--upn", "alice@corp.example.com",
		"--role", "admin", "--role", "auditor", "--permission", "orders:read", "--password-stdin")["id"].(string)
	f.registerIssuers(t)
	return f
}

func (f *fixture) client(id string, args ...string) harness.Credentials {
	made := f.JSON("", append([]string{"client", "create", "--id", id}, args...)...)
	secret, _ := made["client_secret"].(string)
	return harness.Credentials{ID: made["client_id"].(string), Secret: secret}
}

func (f *fixture) registerIssuers(t *testing.T) {
	t.Helper()
	var err error
	if f.rsa, err = rsa.GenerateKey(rand.Reader, 2048); err != nil {
		t.Fatal(err)
	}
	if f.ec, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader); err != nil {
		t.Fatal(err)
	}
	f.cert = selfSigned(t, f.ec, time.Now().Add(-time.Hour), time.Now().Add(time.Hour))
	limits := []string{"--scope", "read", "--scope", "write", "--resource", apiRS256, "--resource", apiES256, "--require-client-auth=false"}
	f.Run(append([]string{"issuer", "create", "--iss", rsaIssuer, "--jwks-file", f.File("rsa.jwks", jwksOf(t, &f.rsa.PublicKey, "rsa-1"))}, limits...)...)
	f.Run(append([]string{"issuer", "create", "--iss", certIssuer, "--subject-claim", "upn", "--certificate-file",
		f.File("cert.pem", certificatePEM(f.cert))}, limits...)...)
	f.Run(append([]string{"issuer", "create", "--iss", secretIssuer, "--subject-claim", "email", "--secret-file", f.File("shared.secret", sharedSecret+"\n")}, limits...)...)
}

func selfSigned(t *testing.T, key *ecdsa.PrivateKey, from, until time.Time) []byte {
	t.Helper()
	return testkit.SelfSigned(t, x509.Certificate{Subject: pkix.Name{CommonName: "issuer"}, NotBefore: from, NotAfter: until}, key).Raw
}

func jwksOf(t *testing.T, public any, kid string) string {
	t.Helper()
	return jwkSet(t, map[string]any{kid: public})
}

// jwkSet returns a JWK Set of public keys by their kid.
func jwkSet(t *testing.T, keys map[string]any) string {
	t.Helper()
	var all []json.RawMessage
	for kid, public := range keys {
		all = append(all, testkit.JWK(t, public, map[string]any{"kid": kid}))
	}
	return string(testkit.JWKS(t, all...))
}

// claims are the claims of a good assertion, which a test changes. A nil value removes the claim.
type claims map[string]any

func assertionClaims(iss, sub string, change claims) claims {
	now := time.Now()
	c := claims{
		"iss": iss, "sub": sub, "aud": harness.Issuer, "jti": uuid.NewString(),
		"iat": now.Unix(), "nbf": now.Unix(), "exp": now.Add(5 * time.Minute).Unix(),
	}
	for name, value := range change {
		if c[name] = value; value == nil {
			delete(c, name)
		}
	}
	return c
}

// sign makes a JWS with any header members.
func sign(t *testing.T, alg jwa.SignatureAlgorithm, key any, header map[string]any, c claims) string {
	t.Helper()
	protected := jws.NewHeaders()
	for name, value := range header {
		if err := protected.Set(name, value); err != nil {
			t.Fatal(err)
		}
	}
	payload, err := json.Marshal(c)
	if err != nil {
		t.Fatal(err)
	}
	signed, err := jws.Sign(payload, jws.WithKey(alg, key, jws.WithProtectedHeaders(protected)))
	if err != nil {
		t.Fatal(err)
	}
	return string(signed)
}

// byKey, byCertificate and bySecret are good assertions of the three issuers.
func (f *fixture) byKey(t *testing.T, change claims) string {
	return sign(t, jwa.RS256, f.rsa, map[string]any{"kid": "rsa-1"}, assertionClaims(rsaIssuer, "alice", change))
}

func (f *fixture) byCertificate(t *testing.T, change claims) string {
	thumbprint := sha256.Sum256(f.cert)
	c := assertionClaims(certIssuer, "unknown", claims{"upn": "Alice@Corp.example.com"})
	for name, value := range change {
		c[name] = value
	}
	return sign(t, jwa.ES256, f.ec, map[string]any{"x5t#S256": base64.RawURLEncoding.EncodeToString(thumbprint[:])}, c)
}

func (f *fixture) bySecret(t *testing.T) string {
	c := assertionClaims(secretIssuer, "unknown", claims{"email": "alice@example.com"})
	return sign(t, jwa.HS256, []byte(sharedSecret), nil, c)
}

func bearer(assertion string, more ...string) url.Values {
	return form(append([]string{"grant_type", jwtBearer, "assertion", assertion}, more...)...)
}

func login(more ...string) url.Values {
	return form(append([]string{"grant_type", "password", "username", "alice", "password", alicePassword}, more...)...)
}

func clientCredentials(more ...string) url.Values {
	return form(append([]string{"grant_type", "client_credentials"}, more...)...)
}

func refresh(token string, more ...string) url.Values {
	return form(append([]string{"grant_type", "refresh_token", "refresh_token", token}, more...)...)
}

// form makes a form of names and values alternately; a name may be repeated.
func form(pairs ...string) url.Values {
	values := url.Values{}
	for i := 0; i+1 < len(pairs); i += 2 {
		values.Add(pairs[i], pairs[i+1])
	}
	return values
}
