package testkit

import (
	"crypto"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"math/big"
	"testing"
)

// Certify makes a certificate of a template for a public key. Without an authority the
// certificate is self-signed.
func Certify(t testing.TB, template x509.Certificate, public crypto.PublicKey, authority *x509.Certificate, signer crypto.Signer) *x509.Certificate {
	t.Helper()
	if template.SerialNumber == nil {
		template.SerialNumber = big.NewInt(1)
	}
	if authority == nil {
		authority = &template
	}
	der, err := x509.CreateCertificate(rand.Reader, &template, authority, public, signer)
	if err != nil {
		t.Fatal(err)
	}
	certificate, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return certificate
}

// SelfSigned makes a certificate for the key that signs it.
func SelfSigned(t testing.TB, template x509.Certificate, key crypto.Signer) *x509.Certificate {
	t.Helper()
	return Certify(t, template, key.Public(), nil, key)
}

// ServerCertificate returns the certificate that a TLS server presents, unverified.
func ServerCertificate(t testing.TB, address string) *x509.Certificate {
	t.Helper()
	connection, err := tls.Dial("tcp", address, &tls.Config{InsecureSkipVerify: true}) //nolint:gosec // G402: to look at it is what it is for
	if err != nil {
		t.Fatal(err)
	}
	defer connection.Close()
	return connection.ConnectionState().PeerCertificates[0]
}
