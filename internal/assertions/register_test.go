package assertions

import (
	"crypto/ecdh"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/lestrrat-go/jwx/v2/jwk"

	"authserver/internal/jose"
)

// A key that is short enough to be cut open (RFC 7518 §3.3: 2048 bits or more).
var shortRSA = sync.OnceValue(func() *rsa.PrivateKey { return must(rsa.GenerateKey(rand.Reader, 1024)) })

func privateJWK(t *testing.T, key any) map[string]any {
	t.Helper()
	raw, err := jwk.FromRaw(key)
	if err != nil {
		t.Fatal(err)
	}
	var members map[string]any
	if err := json.Unmarshal([]byte(asJSON(t, raw)), &members); err != nil {
		t.Fatal(err)
	}
	return members
}

func TestCheckJWKSAccepts(t *testing.T) {
	set := jwks(t,
		jwkOf(t, rsaKey().Public(), map[string]any{"kid": "r1", "alg": "PS384", "use": "sig"}),
		jwkOf(t, ecKey().Public(), map[string]any{"kid": "e1"}),
		jwkOf(t, newEC(elliptic.P384()).Public(), nil),
		jwkOf(t, edKey().Public(), nil))
	public, algorithms, err := CheckJWKS(set)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"ES256", "ES384", "EdDSA", "PS384"}, algorithms); diff != "" {
		t.Errorf("algorithms (-want +got):\n%s", diff)
	}
	var got, want map[string]any
	if err := json.Unmarshal(public, &got); err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(set, &want); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("the set that is kept (-given +kept):\n%s", diff)
	}
	if _, _, err := CheckJWKS([]byte(asJSON(t, jwkOf(t, ecKey().Public(), nil)))); err != nil {
		t.Errorf("a single key is no set of one: %v", err)
	}
}

func TestCheckJWKSRefuses(t *testing.T) {
	x25519, err := ecdh.X25519().GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	var many []map[string]any
	for range jose.MaxKeys + 1 {
		many = append(many, jwkOf(t, ecKey().Public(), nil))
	}
	good := jwkOf(t, ecKey().Public(), nil)
	for _, test := range []struct {
		name, set, want string
	}{
		{"no JSON", "not a key", "not a JWK Set"},
		{"no keys", `{"keys":[]}`, "1 to 50 keys"},
		{"more than fifty keys", string(jwks(t, many...)), "1 to 50 keys"},
		{"a private RSA key", string(jwks(t, good, privateJWK(t, rsaKey()))), "private or symmetric"},
		{"a private EC key", string(jwks(t, good, privateJWK(t, ecKey()))), "private or symmetric"},
		{"a private Ed25519 key", string(jwks(t, good, privateJWK(t, edKey()))), "private or symmetric"},
		{"a symmetric key", string(jwks(t, good, privateJWK(t, secret))), "private or symmetric"},
		{"an RSA key of 1024 bits", string(jwks(t, jwkOf(t, shortRSA().Public(), nil))), "cannot be used"},
		{"a key for key agreement", `{"keys":[{"kty":"OKP","crv":"X25519","x":"` + base64.RawURLEncoding.EncodeToString(x25519.PublicKey().Bytes()) + `"}]}`, "cannot be used"},
		{"an alg that the key cannot", string(jwks(t, jwkOf(t, ecKey().Public(), map[string]any{"alg": "ES384"}))), "cannot be used"},
		{"an alg for secrets on a public key", string(jwks(t, jwkOf(t, rsaKey().Public(), map[string]any{"alg": "HS256"}))), "cannot be used"},
		{"a point that is not on the curve", string(jwks(t, offCurve(t))), "cannot be used"},
		{"a key of no kind", `{"keys":[{"kid":"1"}]}`, "not a JWK Set"},
	} {
		t.Run(test.name, func(t *testing.T) {
			_, _, err := CheckJWKS([]byte(test.set))
			refused(t, err, test.want)
			if err != nil && strings.Contains(err.Error(), `"d"`) {
				t.Errorf("the error repeats the key: %v", err)
			}
		})
	}
}

// offCurve is a public key that attacks whoever computes with it.
func offCurve(t *testing.T) map[string]any {
	t.Helper()
	key := jwkOf(t, ecKey().Public(), nil)
	key["x"], key["y"] = key["y"], key["x"]
	return key
}

func TestCheckCertificates(t *testing.T) {
	from, until := noon, noon.Add(time.Hour)
	algorithms, err := CheckCertificates([][]byte{certify(t, ecKey(), from, until), certify(t, edKey(), from, until)})
	if diff := cmp.Diff([]string{"ES256", "EdDSA"}, algorithms); diff != "" || err != nil {
		t.Errorf("algorithms (-want +got), %v:\n%s", err, diff)
	}
	_, err = CheckCertificates([][]byte{certify(t, shortRSA(), from, until)})
	refused(t, err, "cannot be used")
	_, err = CheckCertificates([][]byte{{1, 2, 3}})
	refused(t, err, "parse certificate 1")
	_, err = CheckCertificates(make([][]byte, jose.MaxKeys+1))
	refused(t, err, "more than 50")
}

func TestCheckSecret(t *testing.T) {
	if err := jose.CheckSecret(secret); err != nil {
		t.Error(err)
	}
	if err := jose.CheckSecret(make([]byte, jose.MinSecretBytes-1)); err == nil {
		t.Error("a secret shorter than the hash is accepted (RFC 7518 section 3.2)")
	}
}

func TestParsePrivateKey(t *testing.T) {
	pkcs8 := func(key any) []byte {
		der, err := x509.MarshalPKCS8PrivateKey(key)
		if err != nil {
			t.Fatal(err)
		}
		return pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})
	}
	sec1, err := x509.MarshalECPrivateKey(ecKey())
	if err != nil {
		t.Fatal(err)
	}
	named := privateJWK(t, ecKey())
	named["kid"], named["alg"] = "e1", "ES256"
	for _, test := range []struct {
		name      string
		data      []byte
		alg, want string
	}{
		{"PKCS #8 of RSA", pkcs8(rsaKey()), "", ""},
		{"PKCS #8 of EC", pkcs8(ecKey()), "", ""},
		{"PKCS #8 of Ed25519", pkcs8(edKey()), "", ""},
		{"PKCS #1", pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(rsaKey())}), "", ""},
		{"SEC 1", pem.EncodeToMemory(&pem.Block{Type: "EC PRIVATE KEY", Bytes: sec1}), "", ""},
		{"a JWK", []byte(asJSON(t, named)), "ES256", ""},
		{"a public JWK", []byte(asJSON(t, jwkOf(t, ecKey().Public(), nil))), "", "not a private key"},
		{"a symmetric JWK", []byte(asJSON(t, privateJWK(t, secret))), "", "not a private key"},
		{"RSA of 1024 bits", pkcs8(shortRSA()), "", "cannot be used"},
		{"a text", []byte("hello"), "", "neither a private key in PEM nor a JWK"},
		{"nothing", nil, "", "neither a private key in PEM nor a JWK"},
	} {
		t.Run(test.name, func(t *testing.T) {
			key, err := ParsePrivateKey(test.data)
			if test.want != "" {
				refused(t, err, test.want)
				return
			}
			if err != nil || key.Alg != test.alg {
				t.Fatalf("alg %q, %v; want %q", key.Alg, err, test.alg)
			}
			if _, err := Sign(key, claims(nil)); err != nil {
				t.Errorf("it does not sign: %v", err)
			}
		})
	}
}

func TestParseCertificates(t *testing.T) {
	der := certify(t, ecKey(), noon, noon.Add(time.Hour))
	one := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
	got, err := ParseCertificates(append(append([]byte("a comment\n"), one...), one...))
	if err != nil || len(got) != 2 || string(got[0]) != string(der) {
		t.Errorf("got %d certificates, %v", len(got), err)
	}
	for name, data := range map[string][]byte{
		"nothing":              nil,
		"a private key":        pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}),
		"a key behind":         append(one, pem.EncodeToMemory(&pem.Block{Type: "EC PRIVATE KEY", Bytes: der})...),
		"a broken certificate": pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der[1:]}),
	} {
		if _, err := ParseCertificates(data); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
}

// Identity providers publish keys for encryption beside those for signatures.
func TestCheckJWKSLeavesOutKeysForEncryption(t *testing.T) {
	signing, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	member := func(use, alg, kid string) string {
		return `{"kty":"RSA","use":"` + use + `","alg":"` + alg + `","kid":"` + kid + `","e":"AQAB","n":"` +
			base64.RawURLEncoding.EncodeToString(signing.N.Bytes()) + `"}`
	}
	set, algorithms, err := CheckJWKS([]byte(`{"keys":[` + member("enc", "RSA-OAEP", "e") + "," + member("sig", "RS256", "s") + `]}`))
	if err != nil || len(algorithms) != 1 || algorithms[0] != "RS256" || strings.Contains(string(set), "RSA-OAEP") {
		t.Errorf("registered %s for %v, %v", set, algorithms, err)
	}
	if _, _, err := CheckJWKS([]byte(`{"keys":[` + member("enc", "RSA-OAEP", "e") + `]}`)); err == nil {
		t.Error("a set without a key for signatures is taken")
	}
}
