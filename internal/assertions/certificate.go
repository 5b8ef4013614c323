package assertions

import (
	"crypto/x509"
	"errors"
	"fmt"
	"time"

	"authserver/internal/jose"
)

// certificate is one that is on file, with the names that tokens call it by.
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

// parseCertificates returns nil for nil alone: no list of authorities is another thing than
// one without an authority.
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

// onFile returns certificates in DER, each of which is parsed once.
func (v *Verifier) onFile(ders [][]byte) ([]certificate, error) {
	return parseCertificates(ders, func(der []byte) (certificate, error) { return v.certificates.Get(der, parseCertificate) })
}

// named reports whether the header's names, as far as it has any, are the certificate's.
func (c certificate) named(h jose.Header) bool {
	return (h.X5TS256 == "" || h.X5TS256 == c.x5tS256) && (h.X5T == "" || h.X5T == c.x5t)
}

// check refuses a certificate whose key is not for signatures, by its key usage where it
// has one (RFC 5280 §4.2.1.3), and where there are authorities one that does not chain to
// any of them at the moment (RFC 5280 §6). The others may stand between.
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

// CheckCertificate refuses a certificate in DER that an assertion could not be verified by
// at the moment: one whose key is not for signatures, or which does not chain to one of the
// authorities, where there are any. The others may stand between.
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
