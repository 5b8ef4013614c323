package jose

import (
	"cmp"
	"crypto/sha1" //nolint:gosec // G505: x5t is SHA-1 by RFC 7515 §4.1.7; it selects a registered certificate and proves nothing
	"crypto/sha256"
	"encoding/base64"
)

// Thumbprint256 is the member "x5t#S256" of a certificate in DER (RFC 7515 §4.1.8).
func Thumbprint256(der []byte) string {
	sum := sha256.Sum256(der)
	return base64.RawURLEncoding.EncodeToString(sum[:])
}

// Thumbprint1 is the member "x5t" of a certificate in DER (RFC 7515 §4.1.7).
func Thumbprint1(der []byte) string {
	sum := sha1.Sum(der) //nolint:gosec // G401: see the import
	return base64.RawURLEncoding.EncodeToString(sum[:])
}

// thumbprints returns the "x5t" and "x5t#S256" of a JWK: its members of that name, or otherwise
// those of the first certificate in its "x5c" (RFC 7517 §4.7).
func thumbprints(members map[string]any) (x5t, x5tS256 string) {
	x5t, _ = members["x5t"].(string)
	x5tS256, _ = members["x5t#S256"].(string)
	chain, _ := members["x5c"].([]any)
	der := firstCertificate(chain)
	if der == nil {
		return x5t, x5tS256
	}
	return cmp.Or(x5t, Thumbprint1(der)), cmp.Or(x5tS256, Thumbprint256(der))
}

// firstCertificate returns the first certificate of a chain in "x5c", which is base64 of DER, or
// nil if any element is not a certificate.
func firstCertificate(chain []any) (first []byte) {
	for i, member := range chain {
		text, _ := member.(string)
		der, err := base64.StdEncoding.DecodeString(text)
		if err != nil || text == "" {
			return nil
		}
		if i == 0 {
			first = der
		}
	}
	return first
}
