package keys_test

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"math/big"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"authserver/internal/keys"
)

func generate(t *testing.T, alg string) crypto.Signer {
	t.Helper()
	private, err := keys.Generate(alg)
	if err != nil {
		t.Fatal(err)
	}
	return private
}

func ecKey(t *testing.T, curve elliptic.Curve) *ecdsa.PrivateKey {
	t.Helper()
	private, err := ecdsa.GenerateKey(curve, rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return private
}

// publicRSA makes a public key of that size. It need not be a product of two primes.
func publicRSA(bits uint, exponent int) *rsa.PublicKey {
	n := new(big.Int).Lsh(big.NewInt(1), bits-1)
	return &rsa.PublicKey{N: n.SetBit(n, 0, 1), E: exponent}
}

func TestAKeyIsMadeForEachAlgorithm(t *testing.T) {
	if diff := cmp.Diff([]string{"RS256", "ES256"}, keys.Algorithms()[:2]); diff != "" {
		t.Errorf("the first algorithms (-want +got): %s", diff)
	}
	want := map[string][]string{
		"RS256": {"RS256", "PS256"}, "PS256": {"RS256", "PS256"},
		"ES256": {"ES256"}, "ES384": {"ES384"}, "EdDSA": {"EdDSA"},
	}
	got := make(map[string][]string)
	for _, alg := range keys.Algorithms() {
		public := generate(t, alg).Public()
		got[alg] = keys.AlgorithmsFor(public)
		if key, ok := public.(*rsa.PublicKey); ok && key.N.BitLen() != 2048 {
			t.Errorf("%s: a new key has %d bits, want 2048", alg, key.N.BitLen())
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("what new keys could be (-want +got): %s", diff)
	}
	for _, alg := range []string{"", "none", "HS256", "rs256", "ES512", "Ed25519"} {
		if _, err := keys.Generate(alg); err == nil || !strings.Contains(err.Error(), "RS256, ES256, PS256, ES384, EdDSA") {
			t.Errorf("Generate(%q): %v, want an error that names what there is", alg, err)
		}
	}
}

func TestCheckPublicKey(t *testing.T) {
	offCurve := ecKey(t, elliptic.P256()).PublicKey
	offCurve.Y = new(big.Int).Add(offCurve.Y, big.NewInt(1)) //nolint:staticcheck // SA1019: no other way makes a damaged key
	p256, p384, p521 := &ecKey(t, elliptic.P256()).PublicKey, &ecKey(t, elliptic.P384()).PublicKey, &ecKey(t, elliptic.P521()).PublicKey
	ed := generate(t, keys.EdDSA).Public().(ed25519.PublicKey)
	tests := []struct {
		name, alg string
		public    crypto.PublicKey
		want      string // "": it fits
	}{
		{"RSA of 2048 bits is for RS256", "RS256", publicRSA(2048, 65537), ""},
		{"RSA of 2048 bits is for PS256", "PS256", publicRSA(2048, 65537), ""},
		{"RSA of 4096 bits is for RS256", "RS256", publicRSA(4096, 65537), ""},
		{"RSA of 3072 bits and a larger exponent is for RS256", "RS256", publicRSA(3072, 65539), ""},
		{"RSA of 2047 bits is too small", "RS256", publicRSA(2047, 65537), "2047 bits is too small: it must have 2048 to 4096"},
		{"RSA of 1024 bits is too small for PS256", "PS256", publicRSA(1024, 65537), "1024 bits is too small"},
		{"RSA of 4097 bits is too large", "PS256", publicRSA(4097, 65537), "4097 bits is too large: it must have 2048 to 4096"},
		{"RSA with the exponent 3 is unsafe", "RS256", publicRSA(2048, 3), "exponent 3"},
		{"RSA with an even exponent is unsafe", "RS256", publicRSA(2048, 65538), "exponent 65538"},
		{"RSA is not for ES256", "ES256", publicRSA(2048, 65537), "an RSA key does not fit ES256, which wants an EC key on P-256"},
		{"RSA is not for EdDSA", "EdDSA", publicRSA(2048, 65537), "which wants an Ed25519 key"},
		{"P-256 is for ES256", "ES256", p256, ""},
		{"P-256 is not for ES384", "ES384", p256, "an EC key on P-256 does not fit ES384, which wants an EC key on P-384"},
		{"P-256 is not for RS256", "RS256", p256, "which wants an RSA key"},
		{"P-384 is for ES384", "ES384", p384, ""},
		{"P-384 is not for ES256", "ES256", p384, "an EC key on P-384 does not fit ES256"},
		{"P-521 is for neither", "ES384", p521, "P-521"},
		{"a point that is not on its curve is damaged", "ES256", &offCurve, "not on its curve"},
		{"Ed25519 is for EdDSA", "EdDSA", ed, ""},
		{"Ed25519 is not for ES256", "ES256", ed, "an Ed25519 key does not fit ES256"},
		{"Ed25519 cut short is for nothing", "EdDSA", ed[:31], "an Ed25519 key"},
		{"a secret is for nothing", "ES256", []byte("a secret"), "a key of type []uint8"},
		{"no key is for nothing", "ES256", nil, "a key of type <nil>"},
		{"no key is for HS256", "HS256", []byte("a secret"), `the algorithm "HS256" is not known`},
		{"no key is for none", "none", p256, `the algorithm "none" is not known`},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			err := keys.CheckPublicKey(test.alg, test.public)
			if test.want == "" && err != nil {
				t.Errorf("CheckPublicKey: %v", err)
			}
			if test.want != "" && (err == nil || !strings.Contains(err.Error(), test.want)) {
				t.Errorf("CheckPublicKey: %v, want an error that says %q", err, test.want)
			}
		})
	}
}
