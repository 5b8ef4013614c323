package keys_test

import (
	"bytes"
	"crypto/elliptic"
	"encoding/base64"
	"encoding/json"
	"maps"
	"math/big"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/lestrrat-go/jwx/v2/jwk"

	"authserver/internal/keys"
	"authserver/internal/keys/keyfiles"
)

// jwkOf returns a private key as a JWK with changes; a nil change removes a member.
func jwkOf(t *testing.T, private any, changes map[string]any) []byte {
	t.Helper()
	key, err := jwk.FromRaw(private)
	if err != nil {
		t.Fatal(err)
	}
	text, err := json.Marshal(key)
	if err != nil {
		t.Fatal(err)
	}
	var members map[string]any
	if err := json.Unmarshal(text, &members); err != nil {
		t.Fatal(err)
	}
	maps.Copy(members, changes)
	maps.DeleteFunc(members, func(_ string, v any) bool { return v == nil })
	if text, err = json.Marshal(members); err != nil {
		t.Fatal(err)
	}
	return text
}

func number(n *big.Int) string { return base64.RawURLEncoding.EncodeToString(n.Bytes()) }

func TestParseMaterialReadsAJWKOfEachAlgorithm(t *testing.T) {
	for _, alg := range keys.Algorithms() {
		private := generate(t, alg)
		for name, changes := range map[string]map[string]any{
			"bare":                         {},
			"with its alg":                 {"alg": alg},
			"for signatures":               {"use": "sig", "key_ops": []string{"sign", "verify"}},
			"with a kid, which is ignored": {"kid": "mine"},
			"with a member of another RFC": {"nbf": 1, "iss": []string{"x"}, "x5u": "https://example.com", "D": "x"},
			"without what follows from it": {"dp": nil, "dq": nil, "qi": nil},
		} {
			m, err := keys.ParseMaterial(append([]byte("\n "), jwkOf(t, private, changes)...))
			if err != nil {
				t.Errorf("%s %s: %v", alg, name, err)
				continue
			}
			if diff := cmp.Diff(pkcs8(t, private), pkcs8(t, m.Private)); diff != "" {
				t.Errorf("%s %s: it is another key: %s", alg, name, diff)
			}
			if want, _ := changes["alg"].(string); m.Alg != want || m.Certificates != nil {
				t.Errorf("%s %s: alg %q and %d certificates, want %q and none", alg, name, m.Alg, len(m.Certificates), want)
			}
		}
	}
}

// The key of RFC 8037 A.1 has its thumbprint in A.3.
func TestParseMaterialReadsTheKeyOfRFC8037(t *testing.T) {
	m, err := keys.ParseMaterial([]byte(`{"kty":"OKP","crv":"Ed25519","d":"nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}`))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{keys.EdDSA}, keys.AlgorithmsFor(m.Private.Public())); diff != "" {
		t.Errorf("algorithms (-want +got): %s", diff)
	}
}

func TestParseMaterialTakesX5CAsTheCertificates(t *testing.T) {
	o := newOpenSSL(t)
	certificate, err := keyfiles.Certificates(o.read(t, "cert"))
	if err != nil {
		t.Fatal(err)
	}
	plain, err := keys.ParseMaterial(o.read(t, "p256"))
	if err != nil {
		t.Fatal(err)
	}
	text := base64.StdEncoding.EncodeToString(certificate[0].Raw)
	m, err := keys.ParseMaterial(jwkOf(t, plain.Private, map[string]any{"x5c": []string{text, text}}))
	if err != nil {
		t.Fatal(err)
	}
	if len(m.Certificates) != 2 || !bytes.Equal(m.Certificates[0].Raw, certificate[0].Raw) {
		t.Errorf("%d certificates, want the two of x5c", len(m.Certificates))
	}
	for name, test := range map[string]struct {
		x5c  any
		want string
	}{
		"no list":   {text, "is damaged"},
		"base64url": {[]string{"--__"}, `certificate 1 of the JWK's "x5c" is not base64`},
		"no DER":    {[]string{text, "AAAA"}, `certificate 2 of the JWK's "x5c" is damaged`},
	} {
		t.Run(name, func(t *testing.T) {
			refused(t, jwkOf(t, plain.Private, map[string]any{"x5c": test.x5c}), test.want)
		})
	}
}

func TestParseMaterialRefusesJWKs(t *testing.T) {
	ec, other := ecKey(t, elliptic.P256()), ecKey(t, elliptic.P256())
	ed := generate(t, keys.EdDSA)
	of := func(private any, changes map[string]any) []byte { return jwkOf(t, private, changes) }
	type change = map[string]any
	coordinate := func(n *big.Int) string { return base64.RawURLEncoding.EncodeToString(n.FillBytes(make([]byte, 32))) }
	small := publicRSA(1024, 65537)
	tests := []struct {
		name string
		data []byte
		want string
	}{
		{"a public key", of(ec.Public(), nil), "it is a public key as a JWK"},
		{"a public RSA key", of(rsaKey().Public(), nil), "it is a public key as a JWK"},
		{"a shared secret", of([]byte("a secret of 32 bytes, or of more"), nil), "a shared secret as a JWK (kty oct)"},
		{"a set", []byte(`{"keys":[` + string(of(ec, nil)) + `]}`), `out of its "keys"`},
		{"a list", []byte(`[` + string(of(ec, nil)) + `]`), "it is a JSON array"},
		{"an encrypted JWK", []byte(`{"protected":"e30","ciphertext":"AAAA","tag":"AAAA","iv":"AAAA"}`), "an encrypted JWK"},
		{"JSON of another kind", []byte(`{"type":"service_account","private_key":"x"}`), "JSON without kty and keys"},
		{"a key for encryption", of(ec, change{"use": "enc"}), `its "use" is not sig`},
		{"a use that is a list", of(ec, change{"use": []string{"sig"}}), "damaged"},
		{"operations without sign", of(ec, change{"key_ops": []string{"verify"}}), `its "key_ops" does not include sign`},
		{"no operations", of(ec, change{"key_ops": []string{}}), "does not include sign"},
		{"operations that are a text", of(ec, change{"key_ops": "sign"}), "damaged"},
		{"the alg of another curve", of(ec, change{"alg": "ES384"}), `the JWK's "alg" is wrong: an EC key on P-256 does not fit ES384`},
		{"the alg of another kind of key", of(ec, change{"alg": "RS256"}), `an EC key on P-256 does not fit RS256`},
		{"an alg that is not for signatures", of(rsaKey(), change{"alg": "RSA-OAEP"}), `the algorithm "RSA-OAEP" is not known`},
		{"an alg that is not supported", of(rsaKey(), change{"alg": "RS512"}), "use one of RS256"},
		{"alg none", of(ec, change{"alg": "none"}), `the algorithm "none" is not known`},
		{"an alg that is a number", of(ec, change{"alg": 1}), "damaged"},
		{"P-521", of(ecKey(t, elliptic.P521()), nil), "EC key on P-521"},
		{"secp256k1", of(ec, change{"crv": "secp256k1"}), "damaged"},
		{"X25519", of(ed, change{"crv": "X25519"}), "supported are"},
		{"Ed448", of(ed, change{"crv": "Ed448"}), "damaged"},
		{"an unknown curve", of(ec, change{"crv": "P-999"}), "curve is not known"},
		{"an EC key on the curve of another kind", of(ec, change{"crv": "Ed25519"}), "damaged"},
		{"an EC key without a curve", of(ec, change{"crv": nil}), "damaged"},
		{"an unknown kty", of(ec, change{"kty": "ec"}), "damaged"},
		{"a kty that is null", []byte(`{"kty":null}`), "it is a public key as a JWK"},
		{"an EC key without y", of(ec, change{"y": nil}), "damaged"},
		{"an EC key with the y of another", of(ec, change{"y": coordinate(other.Y)}), "not on its curve"},
		{"an EC key with the d of another", of(ec, change{"d": coordinate(other.D)}), "its private half is not"}, //nolint:staticcheck // SA1019: no other way makes a damaged key
		{"an EC key with nothing for d", of(ec, change{"d": ""}), "damaged"},
		{"an EC key with zero for d", of(ec, change{"d": "AA"}), "damaged"},
		{"an EC key with a d beyond the order", of(ec, change{"d": number(new(big.Int).Lsh(big.NewInt(1), 300))}), "damaged"},
		{"a d that is a number", of(ec, change{"d": 5}), "damaged"},
		{"a d that is not base64url", of(ec, change{"d": "a+/=b"}), "damaged"},
		{"an Ed25519 key with the x of another", of(ed, change{"x": coordinate(big.NewInt(1))}), "damaged"},
		{"an Ed25519 key that is too short", of(ed, change{"d": "AAAA"}), "damaged"},
		{"an Ed25519 key with nothing for d", of(ed, change{"d": ""}), "damaged"},
		{"an RSA key of 1024 bits", of(rsaKey(), change{"n": number(small.N)}), "1024 bits is too small"},
		{"an RSA key of 100,000 bits", of(rsaKey(), change{"n": number(publicRSA(100_000, 65537).N)}), "100000 bits is too large"},
		{"an RSA key with the exponent 3", of(rsaKey(), change{"e": "Aw"}), "exponent 3"},
		{"an RSA key with another exponent", of(rsaKey(), change{"e": number(big.NewInt(65539))}), "do not belong together"},
		{"an RSA key with another private exponent", of(rsaKey(), change{"d": "AQAB"}), "do not belong together"},
		{"an RSA key without primes", of(rsaKey(), change{"p": nil, "q": nil, "dp": nil, "dq": nil, "qi": nil}), "primes"},
		{"a key with something after it", append(of(ec, nil), "x"...), "not one JSON object"},
		{"two keys", bytes.Repeat(of(ec, nil), 2), "not one JSON object"},
		{"a key that breaks off", of(ec, nil)[:90], "not one JSON object"},
		{"a key nested deeply", []byte(strings.Repeat(`{"a":`, 12_000)), "not one JSON object"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) { refused(t, test.data, test.want) })
	}
}
