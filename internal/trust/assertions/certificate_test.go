package assertions

import (
	"crypto"
	"crypto/elliptic"
	"crypto/x509"
	"crypto/x509/pkix"
	"math/big"
	"strings"
	"testing"
	"time"

	"authserver/internal/testkit"
)

// issued returns a certificate in DER that an authority made for a key.
func issued(t *testing.T, name string, by *x509.Certificate, signer crypto.Signer, key crypto.PublicKey, change func(*x509.Certificate)) *x509.Certificate {
	t.Helper()
	template := x509.Certificate{
		SerialNumber: big.NewInt(int64(len(name)) + 1), Subject: pkix.Name{CommonName: name}, NotBefore: noon.Add(-time.Hour), NotAfter: noon.Add(time.Hour),
		BasicConstraintsValid: true,
	}
	change(&template)
	return testkit.Certify(t, template, key, by, signer)
}

func authority(c *x509.Certificate) { c.IsCA, c.KeyUsage = true, x509.KeyUsageCertSign }

func TestCheckCertificate(t *testing.T) {
	rootKey, betweenKey, leafKey := newEC(elliptic.P256()), newEC(elliptic.P256()), newEC(elliptic.P256())
	root := issued(t, "root", nil, rootKey, rootKey.Public(), authority)
	between := issued(t, "intermediate", root, rootKey, betweenKey.Public(), authority)
	leaf := issued(t, "leaf", between, betweenKey, leafKey.Public(), func(c *x509.Certificate) { c.KeyUsage = x509.KeyUsageDigitalSignature })
	wraps := issued(t, "wraps", root, rootKey, leafKey.Public(), func(c *x509.Certificate) { c.KeyUsage = x509.KeyUsageKeyEncipherment })
	plain := issued(t, "plain", nil, leafKey, leafKey.Public(), func(*x509.Certificate) {})
	roots := [][]byte{root.Raw}
	for _, test := range []struct {
		name                string
		c                   *x509.Certificate
		others, authorities [][]byte
		at                  time.Time
		want                string // "": valid
	}{
		{"it chains to the authority", leaf, [][]byte{leaf.Raw, between.Raw}, roots, noon, ""},
		{"no subject is asked for", plain, nil, nil, noon, ""},
		{"what is between is missing", leaf, nil, roots, noon, "does not chain"},
		{"it is self-signed where an authority is wanted", plain, nil, roots, noon, "does not chain"},
		{"the authority's time is over", leaf, [][]byte{between.Raw}, roots, noon.Add(2 * time.Hour), "does not chain"},
		{"its key is not for signatures", wraps, nil, roots, noon, "key usage"},
		{"its key is not for signatures, and no subject is checked", wraps, nil, nil, noon, "key usage"},
	} {
		t.Run(test.name, func(t *testing.T) {
			err := CheckCertificate(test.at, test.c.Raw, test.others, test.authorities)
			if test.want == "" && err != nil || test.want != "" && (err == nil || !strings.Contains(err.Error(), test.want)) {
				t.Errorf("got %v, want %q", err, test.want)
			}
		})
	}
}
