//go:build interop

package interop

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"strings"
	"testing"

	"github.com/lestrrat-go/jwx/v2/jwk"

	"authserver/test/harness"
	"authserver/test/ports"
)

// world is the registrations, in the form for the programs.
type world struct {
	Issuer                string              `json:"issuer"`
	TokenEndpoint         string              `json:"token_endpoint"`
	JWKSURI               string              `json:"jwks_uri"`
	IntrospectionEndpoint string              `json:"introspection_endpoint"`
	RevocationEndpoint    string              `json:"revocation_endpoint"`
	Resources             map[string]resource `json:"resources"` // by the algorithm of their tokens
	Clients               map[string]party    `json:"clients"`   // by the algorithm of their first resource; they may use all grants
	OddClient             party               `json:"odd_client"`
	PublicClient          party               `json:"public_client"`
	KeyClient             party               `json:"key_client"`      // authenticates with a key; may name the token endpoint as the audience
	HMACClient            party               `json:"hmac_client"`     // the same, but it authenticates with its secret
	ServiceAccount        account             `json:"service_account"` // signs for itself and for the user
	ResourceServer        party               `json:"resource_server"` // serves all resources; may use only the password grant
	User                  user                `json:"user"`
	Latin1User            user                `json:"latin1_user"` // with a name and a password in ISO-8859-1
	IdPs                  map[string][]idp    `json:"idps"`        // by the algorithm of their first resource
	RotateURL             string              `json:"rotate_url"`  // POST rotates the keys
	rsaPEM                []byte              // the private key of the RS256 issuers
}

type party struct {
	ID     string `json:"id"`
	Secret string `json:"secret,omitempty"`
	// Key is the private JWK of a client that signs.
	Key json.RawMessage `json:"key,omitempty"`
}

type resource struct {
	ID    string `json:"id"`
	Other string `json:"other"` // another one of the same algorithm
}

type user struct {
	ID       string `json:"id"`
	Username string `json:"username"` // as the user types it
	Name     string `json:"name"`     // as the server keeps it
	Password string `json:"password"`
}

// idp is an issuer of assertions, with the content of its assertions.
type idp struct {
	Iss        string            `json:"iss"`
	Alg        string            `json:"alg"`
	Key        json.RawMessage   `json:"key"` // a private or symmetric JWK
	Header     map[string]string `json:"header"`
	Audience   string            `json:"audience"`
	Claims     map[string]string `json:"claims"`
	ExpectSub  string            `json:"expect_sub"`
	ClientAuth bool              `json:"client_auth"`
}

const (
	email        = "zoe@example.com"
	device       = "device-7"
	rsaKID       = "idp-key-1"
	sharedSecret = "a-shared-secret-of-at-least-32-bytes"
	logTail      = 8 << 10 // bytes of the server's log to show with a failure
)

// register starts a server and registers everything through the command line.
func register(t *testing.T, d *harness.Deployment) *world {
	t.Helper()
	address := ports.Address(t)
	issuer := "http://" + address
	d.Set("LISTEN", address)
	d.Set("ISSUER", issuer)
	d.Set("JWKS_MAX_AGE", "1s") // a rotation waits for it
	d.Set("KEY_POLL_INTERVAL", "2s")
	d.Set("CLOCK_SKEW", "1s")
	start(t, d)
	w := &world{
		Issuer:                issuer,
		TokenEndpoint:         issuer + "/oauth2/token",
		JWKSURI:               issuer + "/.well-known/jwks.json",
		IntrospectionEndpoint: issuer + "/oauth2/introspect",
		RevocationEndpoint:    issuer + "/oauth2/revoke",
		Resources:             map[string]resource{},
		Clients:               map[string]party{},
		IdPs:                  map[string][]idp{},
	}
	w.registerResources(d)
	w.registerUsers(d)
	w.registerClients(d)
	w.registerIdPs(t, d)
	w.registerSigners(t, d)
	w.registerServiceAccount(t, d)
	w.serveRotation(t, d)
	return w
}

// start starts a server. A failure shows the end of its log.
func start(t *testing.T, d *harness.Deployment) {
	t.Helper()
	server := d.Start()
	t.Cleanup(func() {
		if t.Failed() {
			logs := server.Logs()
			t.Logf("the end of the server's log:\n%s", logs[max(0, len(logs)-logTail):])
		}
	})
}

func (w *world) registerResources(d *harness.Deployment) {
	for _, alg := range algorithms() {
		host := "https://" + strings.ToLower(alg)
		r := resource{ID: host + ".example.com", Other: host + ".example.org/other"}
		for _, id := range []string{r.ID, r.Other} {
			d.Run("resource", "create", "--id", id, "--signing-alg", alg, "--scope", "read", "--scope", "write")
		}
		w.Resources[alg] = r
	}
}

func (w *world) registerUsers(d *harness.Deployment) {
	w.User = user{Username: "Zoë", Password: `pässwörd & 100% + "q" = ☃`}
	w.Latin1User = user{Username: "Jörg", Password: `grüße & 100% + "q" = ß`}
	for u, flags := range map[*user][]string{&w.User: {"--email", email}, &w.Latin1User: nil} {
		made := d.JSON(u.Password+"\n", append([]string{"user", "create", "--username", u.Username, "--password-stdin"}, flags...)...)
		u.ID, _ = made["id"].(string)
		u.Name, _ = made["username"].(string)
	}
}

// allowed returns the flags for scopes and resources, those of the algorithm first.
func (w *world) allowed(first string) []string {
	flags := []string{"--scope", "read", "--scope", "write"}
	algs := []string{first}
	for _, alg := range algorithms() {
		if alg != first {
			algs = append(algs, alg)
		}
	}
	for _, alg := range algs {
		flags = append(flags, "--resource", w.Resources[alg].ID, "--resource", w.Resources[alg].Other)
	}
	return flags
}

func (w *world) registerClients(d *harness.Deployment) {
	create := func(id, secret string, flags ...string) party {
		if secret != "" {
			flags = append(flags, "--secret-file", d.File("client.secret", secret+"\n"))
		}
		made := d.JSON("", append([]string{"client", "create", "--id", id}, flags...)...)
		if brought, ok := made["client_secret"].(string); ok {
			secret = brought
		}
		return party{ID: id, Secret: secret}
	}
	all := []string{"--grant", "client_credentials", "--grant", "password", "--grant", "refresh_token", "--grant", "jwt-bearer"}
	for _, alg := range algorithms() {
		w.Clients[alg] = create("app-"+strings.ToLower(alg), "", append(w.allowed(alg), all...)...)
	}
	w.OddClient = create("odd+client/1%2F&=~", `it has + % / = & : ? ~ and "quotes", 100%41`, append(w.allowed("RS256"), all...)...)
	w.PublicClient = create("public", "", append(w.allowed("RS256"), "--public", "--grant", "password", "--grant", "refresh_token")...)
	serves := []string{"--grant", "password"}
	for _, r := range w.Resources {
		serves = append(serves, "--serves", r.ID, "--serves", r.Other)
	}
	w.ResourceServer = create("resource-server", "", append(w.allowed("RS256"), serves...)...)
}

// registerIdPs registers three issuers for each algorithm of tokens: one with a key set that needs
// no client, one with a certificate and one with a shared secret. A subject is a user's username, a
// user's email address, or a subject that only the issuer knows.
func (w *world) registerIdPs(t *testing.T, d *harness.Deployment) {
	t.Helper()
	rsaKey, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	ecCertificate, ecKey := harness.Certify(t, x509.Certificate{Subject: pkix.Name{CommonName: "idp.example"}}, nil, nil)
	w.rsaPEM = pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(rsaKey)})
	jwks := d.File("idp.jwks", `{"keys":[`+string(toJWK(t, rsaKey.Public(), rsaKID))+`]}`)
	certificate := d.File("idp.pem", harness.CertificatePEM(ecCertificate.Raw))
	secret := d.File("idp.secret", sharedSecret+"\n")
	thumbprint := sha256.Sum256(ecCertificate.Raw)

	for _, alg := range algorithms() {
		iss := "https://idp.example/for-" + strings.ToLower(alg)
		create := func(i idp, flags ...string) {
			d.Run(append(append([]string{"issuer", "create", "--iss", i.Iss}, flags...), w.allowed(alg)...)...)
			w.IdPs[alg] = append(w.IdPs[alg], i)
		}
		create(idp{
			Iss: iss + "/by-key-set", Alg: "RS256", Key: toJWK(t, rsaKey, rsaKID), Header: map[string]string{"kid": rsaKID},
			Audience: w.TokenEndpoint, Claims: map[string]string{"sub": w.User.Username}, ExpectSub: w.User.ID,
		}, "--jwks-file", jwks, "--require-client-auth=false")
		create(idp{
			Iss: iss + "/by-certificate", Alg: "ES256", Key: toJWK(t, ecKey, ""),
			Header:   map[string]string{"x5t#S256": base64.RawURLEncoding.EncodeToString(thumbprint[:])},
			Audience: w.Issuer, Claims: map[string]string{"sub": "4711", "email": email}, ExpectSub: w.User.ID, ClientAuth: true,
		}, "--certificate-file", certificate, "--subject-claim", "email")
		create(idp{
			Iss: iss + "/by-secret", Alg: "HS256", Key: toJWK(t, []byte(sharedSecret), ""), Header: map[string]string{},
			Audience: w.Issuer, Claims: map[string]string{"sub": device}, ExpectSub: device, ClientAuth: true,
		}, "--secret-file", secret, "--subject", "any")
	}
}

func toJWK(t *testing.T, raw any, kid string) json.RawMessage {
	t.Helper()
	key, err := jwk.FromRaw(raw)
	if err != nil {
		t.Fatal(err)
	}
	if kid != "" {
		if err := key.Set(jwk.KeyIDKey, kid); err != nil {
			t.Fatal(err)
		}
	}
	encoded, err := json.Marshal(key)
	if err != nil {
		t.Fatal(err)
	}
	return encoded
}
