package admin_test

import (
	"crypto/rand"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"authserver/internal/admin"
	"authserver/internal/trust/assertions"
)

// assertionOf returns an assertion by idp about alice.
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
			func(_ *office, n *admin.NewAssertion) { n.Key.Key = ec }},
		{"a key as a JWK", func(*office) admin.IssuerKeys { return admin.IssuerKeys{JWKS: set(t, "", ec.Public())} },
			func(o *office, n *admin.NewAssertion) {
				var err error
				n.Key, err = assertions.ParsePrivateKey(keys.Keys[0])
				o.must(err)
			}},
		{"a certificate", func(o *office) admin.IssuerKeys {
			return admin.IssuerKeys{Certificates: [][]byte{certificate(t, ec, o.clock.Add(time.Hour))}}
		}, func(_ *office, n *admin.NewAssertion) { n.Key.Key = ec }},
		{"a shared secret", func(*office) admin.IssuerKeys {
			return admin.IssuerKeys{Secret: []byte(secret)}
		},
			func(_ *office, n *admin.NewAssertion) { n.Key.Key = []byte(secret) }},
	} {
		t.Run(c.name, func(t *testing.T) {
			o := newOffice(t)
			o.user("alice")
			_, _, err := o.Issuers.Create(t.Context(), by, admin.NewIssuer{Iss: idp, IssuerInput: admin.IssuerInput{Keys: c.trust(o)}})
			o.must(err)
			n := assertionOf()
			c.with(o, &n)
			i, err := o.Tokens.Inspect(t.Context(), by, o.sign(n), false)
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
	n.Key.Key, n.Certificates, n.KID = ec, [][]byte{certificate(t, ec, o.clock.Add(time.Hour))}, "k"
	i, err := o.Tokens.Inspect(t.Context(), by, o.sign(n), false)
	o.must(err)
	if i.Header["x5t"] == nil || i.Header["x5t#S256"] == nil || i.Header["kid"] != "k" {
		t.Errorf("the header is %v", i.Header)
	}
}

func TestClaimsOfAnAssertionCanBeChosen(t *testing.T) {
	o := newOffice(t)
	n := assertionOf()
	n.Key.Key, n.Claims = []byte(secret), map[string]any{"jti": "mine", "email": "a@x.org"}
	i, err := o.Tokens.Inspect(t.Context(), by, o.sign(n), false)
	o.must(err)
	if i.Claims["jti"] != "mine" || i.Claims["email"] != "a@x.org" || i.Claims["iss"] != idp {
		t.Errorf("the claims are %v", i.Claims)
	}
}

func TestAssertionsThatCannotBeSigned(t *testing.T) {
	ec, other := newKey(t), newKey(t)
	until, private := time.Now().Add(time.Hour), assertions.SigningKey{Key: ec}
	for _, c := range []struct {
		name string
		n    admin.NewAssertion
		want []string
	}{
		{"with no key", admin.NewAssertion{}, []string{"key"}},
		{"with a public key", admin.NewAssertion{Key: assertions.SigningKey{Key: ec.Public()}}, []string{"key"}},
		{"with a secret that is too short", admin.NewAssertion{Key: assertions.SigningKey{Key: []byte("short")}}, []string{"32 bytes"}},
		{"with an algorithm that the key cannot do", admin.NewAssertion{Key: private, Alg: "RS256"}, []string{"RS256"}},
		{"with a certificate of another key", admin.NewAssertion{Key: private, Certificates: [][]byte{certificate(t, other, until)}}, []string{"certificates", "another key"}},
		{"with a certificate that is none", admin.NewAssertion{Key: private, Certificates: [][]byte{[]byte("x")}}, []string{"certificates"}},
		{"encrypted to what is no key set", admin.NewAssertion{Key: private, Encryption: admin.AssertionEncryption{JWKS: []byte("x")}}, []string{"encryption_jwks"}},
		{"encrypted to a private key", admin.NewAssertion{Key: private, Encryption: admin.AssertionEncryption{JWKS: set(t, "", other)}}, []string{"encryption_jwks", "private"}},
		{"encrypted in a way that is not known", admin.NewAssertion{Key: private, Encryption: admin.AssertionEncryption{JWKS: set(t, "", other.Public()), Enc: "A128CBC-HS256"}}, []string{"encryption_enc", "A256GCM"}},
		{"encrypted without a recipient", admin.NewAssertion{Key: private, Encryption: admin.AssertionEncryption{Alg: "ECDH-ES"}}, []string{"encryption_alg", "encryption_jwks"}},
		{"encrypted, for a client to prove itself", admin.NewAssertion{Client: true, Key: private, Encryption: admin.AssertionEncryption{JWKS: set(t, "", other.Public())}}, []string{"encryption_jwks", "iss"}},
		{"with a certificate of a secret", admin.NewAssertion{Key: assertions.SigningKey{Key: []byte(secret)}, Certificates: [][]byte{certificate(t, ec, until)}}, []string{"certificates", "private key"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := admin.SignAssertion(time.Now(), rand.Reader, c.n)
			wantFaults(t, err, c.want...)
			if strings.Contains(err.Error(), "short") {
				t.Error("the error tells the secret")
			}
		})
	}
}
