package jose

import (
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
