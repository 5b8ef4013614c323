package assertions

import (
	"crypto/x509"
	"errors"
	"fmt"
	"time"

	"authserver/internal/jose"
)

// certificate is a registered certificate, with the thumbprints by which tokens name it.
type certificate struct {
	*x509.Certificate
	x5t, x5tS256 string
}

func parseCertificate(der []byte) (certificate, error) {
	parsed, err := x509.ParseCertificate(der)
	if err != nil {
		return certificate{}, fmt.Errorf("parse a registered certificate: %w", err)
	}
	return certificate{parsed, jose.Thumbprint1(der), jose.Thumbprint256(der)}, nil
}

// parseCertificates returns nil only for nil: an empty list of authorities trusts no certificate,
// and no list trusts every one.
func parseCertificates(ders [][]byte, parse func(der []byte) (certificate, error)) ([]certificate, error) {
	if ders == nil {
		return nil, nil
	}
	all := make([]certificate, 0, len(ders))
	for _, der := range ders {
		c, err := parse(der)
		if err != nil {
			return nil, err
		}
		all = append(all, c)
	}
	return all, nil
}

// onFile returns certificates in DER in parsed form. Each is parsed only once.
func (v *Verifier) onFile(ders [][]byte) ([]certificate, error) {
	return parseCertificates(ders, func(der []byte) (certificate, error) { return v.certificates.Get(der, parseCertificate) })
}

// named reports whether every thumbprint in the header is that of the certificate.
func (c certificate) named(h jose.Header) bool {
	return (h.X5TS256 == "" || h.X5TS256 == c.x5tS256) && (h.X5T == "" || h.X5T == c.x5t)
}

// check refuses a certificate whose key usage excludes signatures (RFC 5280 §4.2.1.3). If there
// are authorities, it also refuses one that does not chain to any of them now (RFC 5280 §6);
// the others may be intermediates.
func (c certificate) check(now time.Time, others, authorities []certificate) error {
	if c.KeyUsage != 0 && c.KeyUsage&(x509.KeyUsageDigitalSignature|x509.KeyUsageContentCommitment) == 0 {
		return errors.New("its key usage does not allow digital signatures")
	}
	if authorities == nil {
		return nil
	}
	_, err := c.Verify(x509.VerifyOptions{
		Roots: pool(authorities), Intermediates: pool(others), CurrentTime: now, KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageAny},
	})
	if err != nil {
		return fmt.Errorf("it does not chain to a registered authority: %w", err)
	}
	return nil
}

func pool(of []certificate) *x509.CertPool {
	p := x509.NewCertPool()
	for _, c := range of {
		p.AddCert(c.Certificate)
	}
	return p
}

// CheckCertificate refuses a certificate in DER that could not verify an assertion now: its key
// is not for signatures, or it does not chain to one of the authorities, if there are any.
// The others may be intermediates.
func CheckCertificate(now time.Time, der []byte, others, authorities [][]byte) error {
	c, err := parseCertificate(der)
	if err != nil {
		return err
	}
	between, err := parseCertificates(others, parseCertificate)
	if err != nil {
		return err
	}
	roots, err := parseCertificates(authorities, parseCertificate)
	if err != nil {
		return err
	}
	return c.check(now, between, roots)
}
