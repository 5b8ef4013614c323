package assertions

import (
	"crypto/x509"
	"testing"
	"time"

	"authserver/internal/jose"
	"authserver/internal/store"
	"authserver/internal/testkit"
)

// BenchmarkVerify verifies assertions against the registration of their issuer.
func BenchmarkVerify(b *testing.B) {
	certified := newIssuer(b)
	leaf := certify(b, ecKey(), noon.Add(-time.Hour), noon.Add(time.Hour))
	certified.JWKS, certified.Certificates = nil, [][]byte{certify(b, rsaKey(), noon.Add(-time.Hour), noon.Add(time.Hour)), leaf}
	chained, root := certified, testkit.SelfSigned(b, x509.Certificate{NotBefore: noon.Add(-time.Hour), NotAfter: noon.Add(time.Hour), IsCA: true, BasicConstraintsValid: true}, rsaKey())
	issued := testkit.Certify(b, x509.Certificate{NotBefore: noon.Add(-time.Hour), NotAfter: noon.Add(time.Hour)}, ecKey().Public(), root, rsaKey()).Raw
	chained.Certificates, chained.CACertificates = [][]byte{issued}, [][]byte{root.Raw}
	for _, test := range []struct {
		name   string
		issuer store.Issuer
		header string
	}{
		{"key set", newIssuer(b), `{"alg":"ES256","kid":"e1"}`},
		{"certificates", certified, `{"alg":"ES256","x5t#S256":"` + jose.Thumbprint256(leaf) + `"}`},
		{"certificate of an authority", chained, `{"alg":"ES256","x5t#S256":"` + jose.Thumbprint256(issued) + `"}`},
	} {
		b.Run(test.name, func(b *testing.B) {
			v, r := newVerifier(), OfIssuer(test.issuer, []string{self})
			p, err := Parse(forge(b, "ES256", ecKey(), test.header, asJSON(b, claims(nil))), GrantTypes())
			if err != nil {
				b.Fatal(err)
			}
			b.ReportAllocs()
			for b.Loop() {
				if _, err := v.Verify(b.Context(), noon, p, r); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
