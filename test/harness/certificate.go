package harness

import (
	"crypto/ecdsa"
	"crypto/x509"
	"encoding/pem"
	"math/big"
	"testing"
	"time"

	"authserver/internal/testkit"
)

// Certify makes a certificate of a new key, self-signed if there is no authority. It is valid from
// an hour ago until an hour ahead, unless the template says otherwise.
func Certify(t testing.TB, template x509.Certificate, by *x509.Certificate, signer *ecdsa.PrivateKey) (*x509.Certificate, *ecdsa.PrivateKey) {
	t.Helper()
	key := testkit.P256(t)
	if template.SerialNumber = big.NewInt(time.Now().UnixNano()); template.NotAfter.IsZero() {
		template.NotBefore, template.NotAfter = time.Now().Add(-time.Hour), time.Now().Add(time.Hour)
	}
	if by == nil {
		return testkit.SelfSigned(t, template, key), key
	}
	return testkit.Certify(t, template, key.Public(), by, signer), key
}

// CertificatePEM returns a certificate in PEM.
func CertificatePEM(der []byte) string {
	return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}))
}

// KeyPEM returns a private key in PEM, as PKCS #8.
func KeyPEM(t testing.TB, key any) string {
	t.Helper()
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}))
}
