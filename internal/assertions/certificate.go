package assertions

import (
	"crypto/x509"
	"errors"
	"fmt"
	"time"
)

// CheckCertificate refuses a certificate whose key is not for signatures, by its key
// usage where it has one (RFC 5280 §4.2.1.3), and where there are authorities one that
// does not chain to any of them at the moment (RFC 5280 §6). The others in DER may stand
// between.
func CheckCertificate(now time.Time, c *x509.Certificate, others, authorities [][]byte) error {
	if c.KeyUsage != 0 && c.KeyUsage&(x509.KeyUsageDigitalSignature|x509.KeyUsageContentCommitment) == 0 {
		return errors.New("its key usage does not allow digital signatures")
	}
	if authorities == nil {
		return nil
	}
	roots, between := x509.NewCertPool(), x509.NewCertPool()
	for pool, ders := range map[*x509.CertPool][][]byte{roots: authorities, between: others} {
		for _, der := range ders {
			parsed, err := x509.ParseCertificate(der)
			if err != nil {
				return fmt.Errorf("parse a registered certificate: %w", err)
			}
			pool.AddCert(parsed)
		}
	}
	_, err := c.Verify(x509.VerifyOptions{Roots: roots, Intermediates: between, CurrentTime: now, KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageAny}})
	if err != nil {
		return fmt.Errorf("it does not chain to a registered authority: %w", err)
	}
	return nil
}
