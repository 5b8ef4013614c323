package keys

import (
	"bytes"
	"crypto"
	"crypto/x509"
	"errors"
	"fmt"
	"time"
)

// maxChain is the largest number of certificates in a chain. Chains of public authorities have
// three or four.
const maxChain = 10

// CheckCertificates checks a chain for a key (RFC 7517 §4.7, RFC 5280 §6.1): the first certificate
// is the key's and allows signatures, each is signed by the next, and all of them are valid at now.
// A chain has one to ten certificates. Verifiers decide whether they trust the last one.
func CheckCertificates(public crypto.PublicKey, chain []*x509.Certificate, now time.Time) error {
	if len(chain) == 0 {
		return errors.New("there is no certificate")
	}
	if len(chain) > maxChain {
		return fmt.Errorf("there are %d certificates: a chain has %d at most", len(chain), maxChain)
	}
	if err := checkLeaf(public, chain); err != nil {
		return err
	}
	for i, certificate := range chain {
		if now.Before(certificate.NotBefore) { // RFC 5280 §4.1.2.5: both moments are included
			return fmt.Errorf("%s is not valid before %s", called(i, certificate), certificate.NotBefore.UTC().Format(time.RFC3339))
		}
		if now.After(certificate.NotAfter) {
			return fmt.Errorf("%s expired at %s: renew it", called(i, certificate), certificate.NotAfter.UTC().Format(time.RFC3339))
		}
		if i+1 == len(chain) {
			return nil
		}
		issuer := chain[i+1]
		if !bytes.Equal(certificate.RawIssuer, issuer.RawSubject) {
			return fmt.Errorf("%s was issued by %q, but %s follows it: order the chain from the key's certificate up",
				called(i, certificate), certificate.Issuer, called(i+1, issuer))
		}
		if err := certificate.CheckSignatureFrom(issuer); err != nil {
			return fmt.Errorf("%s is not signed by %s: %w", called(i, certificate), called(i+1, issuer), err)
		}
	}
	return nil
}

// checkLeaf returns nil if the first certificate is the key's and allows signatures.
func checkLeaf(public crypto.PublicKey, chain []*x509.Certificate) error {
	key, ok := public.(interface{ Equal(crypto.PublicKey) bool })
	if !ok {
		return fmt.Errorf("%s has no certificates", kindOf(public))
	}
	leaf := chain[0]
	if !key.Equal(leaf.PublicKey) {
		for i, certificate := range chain {
			if key.Equal(certificate.PublicKey) {
				return fmt.Errorf("%s is the key's, and has to be the first", called(i, certificate))
			}
		}
		if is, wants := kindOf(leaf.PublicKey), kindOf(public); is != wants {
			return fmt.Errorf("%s is of another key, %s where the key is %s", called(0, leaf), is, wants)
		}
		return fmt.Errorf("%s is of another key than this", called(0, leaf))
	}
	// RFC 5280 §4.2.1.3. A certificate without the extension has no restriction.
	if use := leaf.KeyUsage; use != 0 && use&(x509.KeyUsageDigitalSignature|x509.KeyUsageContentCommitment) == 0 {
		return fmt.Errorf("%s does not allow signatures: its key usage has to include digitalSignature", called(0, leaf))
	}
	return nil
}

// called names a certificate by its position, from one, and its subject.
func called(i int, c *x509.Certificate) string {
	return fmt.Sprintf("certificate %d (%q)", i+1, c.Subject.String())
}
