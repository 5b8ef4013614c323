package admin_test

import (
	"crypto/rand"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"strings"
	"testing"
	"time"

	"authserver/internal/admin"
)

func pkcs8(t *testing.T, key any) []byte {
	t.Helper()
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})
}

// assertionOf is an assertion by idp about alice.
func assertionOf() admin.NewAssertion {
	return admin.NewAssertion{Issuer: idp, Subject: "alice", Audience: self, TTL: 5 * time.Minute}
}

func (o *office) sign(n admin.NewAssertion) string {
	o.t.Helper()
	signed, err := admin.SignAssertion(o.clock, rand.Reader, n)
	o.must(err)
	return signed
}

func TestAnAssertionOfEachKindOfKeyIsTaken(t *testing.T) {
	ec := newKey(t)
	jwk := set(t, "ES256", ec)
	var keys struct{ Keys []json.RawMessage }
	if err := json.Unmarshal(jwk, &keys); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name  string
		trust func(o *office) admin.IssuerKeys
		with  func(o *office, n *admin.NewAssertion)
	}{
		{"a key in PEM", func(*office) admin.IssuerKeys { return admin.IssuerKeys{JWKS: set(t, "", ec.Public())} },
			func(_ *office, n *admin.NewAssertion) { n.Key = pkcs8(t, ec) }},
		{"a key as a JWK", func(*office) admin.IssuerKeys { return admin.IssuerKeys{JWKS: set(t, "", ec.Public())} },
			func(_ *office, n *admin.NewAssertion) { n.Key = keys.Keys[0] }},
		{"a certificate", func(o *office) admin.IssuerKeys {
			return admin.IssuerKeys{Certificates: [][]byte{certificate(t, ec, o.clock.Add(time.Hour))}}
		}, func(_ *office, n *admin.NewAssertion) { n.Key = pkcs8(t, ec) }},
		{"a shared secret", func(*office) admin.IssuerKeys { return admin.IssuerKeys{Secret: []byte(secret)} },
			func(_ *office, n *admin.NewAssertion) { n.Secret = []byte(secret) }},
	} {
		t.Run(c.name, func(t *testing.T) {
			o := newOffice(t)
			o.user("alice")
			_, _, err := o.CreateIssuer(t.Context(), by, admin.NewIssuer{Iss: idp, IssuerFields: admin.IssuerFields{Keys: c.trust(o)}})
			o.must(err)
			n := assertionOf()
			c.with(o, &n)
			i, err := o.Inspect(t.Context(), by, o.sign(n), false)
			o.must(err)
			if i.Kind != admin.KindAssertion || !i.Good {
				t.Errorf("inspected %+v", i)
			}
		})
	}
}

func TestAssertionsNameTheirCertificate(t *testing.T) {
	o := newOffice(t)
	ec := newKey(t)
	n := assertionOf()
	n.Key, n.Certificates, n.KID = pkcs8(t, ec), certificate(t, ec, o.clock.Add(time.Hour)), "k"
	i, err := o.Inspect(t.Context(), by, o.sign(n), false)
	o.must(err)
	if i.Header["x5t"] == nil || i.Header["x5t#S256"] == nil || i.Header["kid"] != "k" {
		t.Errorf("the header is %v", i.Header)
	}
}

func TestClaimsOfAnAssertionCanBeChosen(t *testing.T) {
	o := newOffice(t)
	n := assertionOf()
	n.Secret, n.Claims = []byte(secret), map[string]any{"jti": "mine", "email": "a@x.org"}
	i, err := o.Inspect(t.Context(), by, o.sign(n), false)
	o.must(err)
	if i.Claims["jti"] != "mine" || i.Claims["email"] != "a@x.org" || i.Claims["iss"] != idp {
		t.Errorf("the claims are %v", i.Claims)
	}
}

func TestAssertionsThatCannotBeSigned(t *testing.T) {
	ec, other := newKey(t), newKey(t)
	until := time.Now().Add(time.Hour)
	for _, c := range []struct {
		name string
		n    admin.NewAssertion
		want []string
	}{
		{"with a key that is none", admin.NewAssertion{Key: []byte("x")}, []string{"--key-file"}},
		{"with a public key", admin.NewAssertion{Key: set(t, "", ec.Public())}, []string{"--key-file"}},
		{"with a secret that is too short", admin.NewAssertion{Secret: []byte("short")}, []string{"32 bytes"}},
		{"with an algorithm that the key cannot do", admin.NewAssertion{Key: pkcs8(t, ec), Alg: "RS256"}, []string{"RS256"}},
		{"with a certificate of another key", admin.NewAssertion{Key: pkcs8(t, ec), Certificates: certificate(t, other, until)}, []string{"--certificate-file", "another key"}},
		{"with a certificate that is none", admin.NewAssertion{Key: pkcs8(t, ec), Certificates: []byte("x")}, []string{"--certificate-file"}},
		{"encrypted to what is no key set", admin.NewAssertion{Key: pkcs8(t, ec), Encryption: admin.AssertionEncryption{JWKS: []byte("x")}}, []string{"--encryption-jwks-file"}},
		{"encrypted to a private key", admin.NewAssertion{Key: pkcs8(t, ec), Encryption: admin.AssertionEncryption{JWKS: set(t, "", other)}}, []string{"--encryption-jwks-file", "private"}},
		{"encrypted in a way that is not known", admin.NewAssertion{Key: pkcs8(t, ec), Encryption: admin.AssertionEncryption{JWKS: set(t, "", other.Public()), Enc: "A128CBC-HS256"}}, []string{"--encryption-enc", "A256GCM"}},
		{"encrypted to nobody", admin.NewAssertion{Key: pkcs8(t, ec), Encryption: admin.AssertionEncryption{Alg: "ECDH-ES"}}, []string{"--encryption-alg", "--encryption-jwks-file"}},
		{"encrypted, for a client to prove itself", admin.NewAssertion{Client: true, Key: pkcs8(t, ec), Encryption: admin.AssertionEncryption{JWKS: set(t, "", other.Public())}}, []string{"--encryption-jwks-file", "--iss"}},
		{"with a certificate of a secret", admin.NewAssertion{Secret: []byte(secret), Certificates: certificate(t, ec, until)}, []string{"--certificate-file", "--key-file"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := admin.SignAssertion(time.Now(), rand.Reader, c.n)
			wantInvalid(t, err, c.want...)
			if strings.Contains(err.Error(), "short") {
				t.Error("the error tells the secret")
			}
		})
	}
}
