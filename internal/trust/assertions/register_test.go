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
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/lestrrat-go/jwx/v2/jwk"

	"authserver/internal/jose"
)

// shortRSA is a key that is short enough to be broken (RFC 7518 §3.3: 2048 bits or more).
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
	public, out, err := CheckJWKS(set)
	if err != nil || len(out) > 0 {
		t.Fatalf("left out %v, %v", out, err)
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
	for i := range jose.MaxKeys + 1 {
		many = append(many, jwkOf(t, ecKey().Public(), map[string]any{"kid": fmt.Sprint(i)}))
	}
	good := jwkOf(t, ecKey().Public(), nil)
	x25519Set := `{"keys":[{"kty":"OKP","crv":"X25519","x":"` + base64.RawURLEncoding.EncodeToString(x25519.PublicKey().Bytes()) + `"}]}`
	for _, test := range []struct {
		name, set, want string
	}{
		{"no JSON", "not a key", "not a JWK Set"},
		{"nothing", " \n", "it is empty"},
		{"no keys", `{"keys":[]}`, "the key set is empty"},
		{"two sets in one", `{"keys":[],"keys":[` + asJSON(t, good) + `]}`, "not a JWK Set"},
		{"keys that are an object", `{"keys":{}}`, "not a JWK Set"},
		{"something behind the set", string(jwks(t, good)) + "{}", "not a JWK Set"},
		{"more than fifty keys", string(jwks(t, many...)), "more than 50 keys"},
		{"a private RSA key", string(jwks(t, good, privateJWK(t, rsaKey()))), "key 2 is a private key or a shared secret"},
		{"a private EC key", string(jwks(t, good, privateJWK(t, ecKey()))), "key 2 is a private key or a shared secret"},
		{"a private Ed25519 key", string(jwks(t, good, privateJWK(t, edKey()))), "key 2 is a private key or a shared secret"},
		{"a private key for encryption", string(jwks(t, good, with(privateJWK(t, rsaKey()), "use", "enc"))), "key 2 is a private key or a shared secret"},
		{"a private key of a kind that is not known", string(jwks(t, good, map[string]any{"kty": "AKP", "pub": "AQ", "priv": "AQ"})), "key 2 is a private key or a shared secret"},
		{"a private member that is empty", string(jwks(t, jwkOf(t, ecKey().Public(), map[string]any{"d": ""}))), "key 1 is a private key or a shared secret"},
		{"a private member that is null", string(jwks(t, jwkOf(t, ecKey().Public(), map[string]any{"d": json.RawMessage("null")}))), "key 1 is a private key or a shared secret"},
		{"a private member that is an object", string(jwks(t, jwkOf(t, rsaKey().Public(), map[string]any{"oth": map[string]any{}}))), "key 1 is a private key or a shared secret"},
		{"a symmetric key", string(jwks(t, good, privateJWK(t, secret))), "key 2 is a private key or a shared secret"},
		{"a private key alone", asJSON(t, privateJWK(t, ecKey())), "keep this file secret"},
		{"an RSA key of 1024 bits alone", string(jwks(t, jwkOf(t, shortRSA().Public(), nil))), "it is an RSA key of 1024 bits, and one has to have 2048 to 8192"},
		{"a key for key agreement alone", x25519Set, `its crv is "X25519"`},
		{"an alg that the key cannot", string(jwks(t, jwkOf(t, ecKey().Public(), map[string]any{"alg": "ES384"}))), "its alg is ES384, which a key of its kind cannot do"},
		{"an alg for secrets on a public key", string(jwks(t, jwkOf(t, rsaKey().Public(), map[string]any{"alg": "HS256"}))), `its alg is "HS256"`},
		{"a point that is not on the curve", string(jwks(t, offCurve(t))), "it is damaged"},
		{"a key of no kind", `{"keys":[{"kid":"1"}]}`, "it has no kty"},
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

// RFC 7517 §5: keys that are not understood are left out, and reported.
func TestCheckJWKSLeavesOutWhatItCannotUse(t *testing.T) {
	good := jwkOf(t, ecKey().Public(), map[string]any{"kid": "good"})
	for _, test := range []struct {
		name, other, want string
	}{
		{"a kind that is not known", `{"kty":"AKP","alg":"ML-DSA-65","pub":"AQ","kid":"pq"}`, `key 1 (kid "pq") is left out: its kty is "AKP"`},
		{"a curve that is not used", `{"kty":"EC","crv":"secp256k1","x":"AQ","y":"AQ","kid":"btc"}`, `key 1 (kid "btc") is left out: its crv is "secp256k1"`},
		{"a curve that is not known", `{"kty":"EC","crv":"P-1024","x":"AQ","y":"AQ"}`, `key 1 is left out: its crv is "P-1024"`},
		{"Ed448", `{"kty":"OKP","crv":"Ed448","x":"AQ"}`, `its crv is "Ed448"`},
		{"an alg that is not known", asJSON(t, jwkOf(t, rsaKey().Public(), map[string]any{"alg": "RS1"})), `its alg is "RS1"`},
		{"an alg for encryption", asJSON(t, jwkOf(t, rsaKey().Public(), map[string]any{"alg": "RSA-OAEP"})), `its alg is "RSA-OAEP"`},
		{"an alg that is a list", asJSON(t, jwkOf(t, rsaKey().Public(), map[string]any{"alg": []string{"RS256"}})), "its alg is not a string"},
		{"a kid that is a number", asJSON(t, jwkOf(t, rsaKey().Public(), map[string]any{"kid": 7})), "its kid is not a string"},
		{"key_ops that is a string", asJSON(t, jwkOf(t, rsaKey().Public(), map[string]any{"key_ops": "verify"})), "its key_ops is not an array"},
		{"a short key", asJSON(t, jwkOf(t, shortRSA().Public(), nil)), "an RSA key of 1024 bits"},
		{"a point off its curve", asJSON(t, offCurve(t)), "it is damaged"},
		{"a key without its numbers", `{"kty":"RSA"}`, "it is damaged"},
		{"a member that stands twice", `{"kty":"EC","kty":"RSA"}`, "a member appears in it twice"},
		{"no object", `"key"`, "it is not a JSON object"},
		{"null", "null", "it is not a JSON object"},
	} {
		t.Run(test.name, func(t *testing.T) {
			public, out, err := CheckJWKS([]byte(`{"keys":[` + test.other + "," + asJSON(t, good) + `]}`))
			if err != nil {
				t.Fatal(err)
			}
			if len(out) != 1 || !strings.Contains(out[0].String(), test.want) {
				t.Errorf("left out %v, want %q", out, test.want)
			}
			if set, err := jose.ParseKeySet(public); err != nil || len(set) != 1 || set[0].KID != "good" {
				t.Errorf("kept %s, %v", public, err)
			}
			_, _, err = CheckJWKS([]byte(`{"keys":[` + test.other + `]}`))
			refused(t, err, "it contains no key that can verify signatures here")
		})
	}
	// The same key again is one key; another key under the same kid is a second key.
	other := jwkOf(t, newEC(elliptic.P256()).Public(), map[string]any{"kid": "good"})
	public, out, err := CheckJWKS(jwks(t, good, good, other))
	if err != nil || len(out) != 1 || out[0].Place != 2 || !strings.Contains(out[0].Why, "already") {
		t.Errorf("left out %v, %v", out, err)
	}
	if set, err := jose.ParseKeySet(public); err != nil || len(set) != 2 {
		t.Errorf("kept %s, %v", public, err)
	}
	// Members that do not belong to a public key are not kept.
	public, _, err = CheckJWKS(jwks(t, with(with(jwkOf(t, ecKey().Public(), nil), "x5u", "https://evil.example"), "note", "secret")))
	if err != nil || strings.Contains(string(public), "evil") || strings.Contains(string(public), "note") {
		t.Errorf("kept %s, %v", public, err)
	}
	if _, _, err := CheckJWKS(append([]byte("\xef\xbb\xbf"), jwks(t, good)...)); err != nil {
		t.Errorf("behind a byte order mark: %v", err)
	}
}

func with(members map[string]any, name string, value any) map[string]any {
	members[name] = value
	return members
}

// offCurve returns a public key with which an attacker attacks the code that computes with it.
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
		{"a public JWK", []byte(asJSON(t, jwkOf(t, ecKey().Public(), nil))), "", "it is a public key as a JWK"},
		{"a symmetric JWK", []byte(asJSON(t, privateJWK(t, secret))), "", "it is a shared secret as a JWK"},
		{"RSA of 1024 bits", pkcs8(shortRSA()), "", "cannot be used"},
		{"a text", []byte("hello"), "", "it is not a private key in PEM or as a JWK"},
		{"nothing", nil, "", "it is empty"},
		{"an encrypted key", pem.EncodeToMemory(&pem.Block{Type: "ENCRYPTED PRIVATE KEY", Bytes: []byte{1}}), "", "asks for its passphrase"},
		{"a key in DER", must(x509.MarshalPKCS8PrivateKey(ecKey())), "", "-inform DER"},
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
			if _, err := Sign("JWT", key, claims(nil)); err != nil {
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

// Identity providers publish encryption keys and signing keys in one set.
func TestCheckJWKSLeavesOutKeysForEncryption(t *testing.T) {
	signing, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	member := func(use, alg, kid string) string {
		return `{"kty":"RSA","use":"` + use + `","alg":"` + alg + `","kid":"` + kid + `","e":"AQAB","n":"` +
			base64.RawURLEncoding.EncodeToString(signing.N.Bytes()) + `"}`
	}
	set, out, err := CheckJWKS([]byte(`{"keys":[` + member("enc", "RSA-OAEP", "e") + "," + member("sig", "RS256", "s") + `]}`))
	if err != nil || len(out) != 1 || !out[0].Use || strings.Contains(string(set), "RSA-OAEP") {
		t.Errorf("registered %s, left out %v, %v", set, out, err)
	}
	if _, _, err := CheckJWKS([]byte(`{"keys":[` + member("enc", "RSA-OAEP", "e") + `]}`)); err == nil {
		t.Error("a set without a key for signatures is taken")
	}
}
