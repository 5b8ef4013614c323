package jose

import (
	"cmp"
	"crypto/sha1" //nolint:gosec // G505: x5t is SHA-1 by RFC 7515 §4.1.7; it selects a registered certificate and proves nothing
	"crypto/sha256"
	"encoding/base64"

	"github.com/lestrrat-go/jwx/v2/jwk"
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

// thumbprints returns the "x5t" and "x5t#S256" of a key: what its members of that
// name say, or else those of the first certificate in its "x5c" (RFC 7517 §4.7).
func thumbprints(key jwk.Key) (x5t, x5tS256 string) {
	x5t, x5tS256 = key.X509CertThumbprint(), key.X509CertThumbprintS256()
	chain := key.X509CertChain()
	if chain == nil || chain.Len() == 0 || x5t != "" && x5tS256 != "" {
		return x5t, x5tS256
	}
	own, _ := chain.Get(0)
	der, err := base64.StdEncoding.DecodeString(string(own))
	if err != nil {
		return x5t, x5tS256
	}
	return cmp.Or(x5t, Thumbprint1(der)), cmp.Or(x5tS256, Thumbprint256(der))
}
