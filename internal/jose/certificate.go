package jose

import (
	"crypto/sha1" //nolint:gosec // G505: x5t is SHA-1 by RFC 7515 §4.1.7; it selects a registered certificate and proves nothing
	"crypto/sha256"
	"encoding/base64"
	"fmt"

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

// CertificateThumbprints returns the "x5t#S256" of the certificates in a JWK Set: of
// the first in "x5c", or else what the member of that name says (RFC 8705 §2.2.2).
// Keys that are not for signatures have none.
func CertificateThumbprints(data []byte) ([]string, error) {
	parsed, err := jwk.Parse(data, jwk.WithIgnoreParseError(true))
	if err != nil {
		return nil, fmt.Errorf("it is not a JWK Set (RFC 7517 section 5)")
	}
	var thumbprints []string
	for i := range parsed.Len() {
		key, _ := parsed.Key(i)
		if !forVerifying(key) {
			continue
		}
		thumbprint := key.X509CertThumbprintS256()
		if chain := key.X509CertChain(); chain != nil && chain.Len() > 0 {
			own, _ := chain.Get(0)
			der, err := base64.StdEncoding.DecodeString(string(own)) // RFC 7517 §4.7: not base64url
			if err != nil {
				continue
			}
			thumbprint = Thumbprint256(der)
		}
		if thumbprint != "" {
			thumbprints = append(thumbprints, thumbprint)
		}
	}
	return thumbprints, nil
}
