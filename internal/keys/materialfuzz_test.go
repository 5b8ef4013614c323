package keys_test

import (
	"crypto"
	"crypto/x509"
	"slices"
	"testing"

	"authserver/internal/keys"
	"authserver/internal/keys/keyfiles"
)

// The parser refuses a file, or returns a key that can be sealed, published and opened again. The
// seeds are in testdata.
func FuzzParseMaterial(f *testing.F) {
	f.Fuzz(func(t *testing.T, data []byte) {
		m, err := keys.ParseMaterial(data)
		if err != nil {
			return
		}
		algs := keys.AlgorithmsFor(m.Private.Public())
		if len(algs) == 0 || m.Alg != "" && !slices.Contains(algs, m.Alg) {
			t.Fatalf("it is taken for %q, and fits %v", m.Alg, algs)
		}
		opened, err := x509.ParsePKCS8PrivateKey(pkcs8(t, m.Private))
		if err != nil {
			t.Fatal(err)
		}
		if !m.Private.Public().(interface{ Equal(crypto.PublicKey) bool }).Equal(opened.(crypto.Signer).Public()) {
			t.Fatal("it is another key once it was stored")
		}
	})
}

func FuzzParseCertificates(f *testing.F) {
	f.Fuzz(func(t *testing.T, data []byte) {
		chain, err := keyfiles.Certificates(data)
		if err == nil && len(chain) == 0 {
			t.Fatal("it is taken, and holds nothing")
		}
	})
}
