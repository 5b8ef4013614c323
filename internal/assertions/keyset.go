package assertions

import (
	"crypto/sha1" //nolint:gosec // G505: x5t is SHA-1 by RFC 7515 §4.1.7; it selects a registered certificate and proves nothing
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/lestrrat-go/jwx/v2/jwk"

	"authserver/internal/store"
)

// maxTried is how many keys an assertion that names none is tried against.
const maxTried = 10

// errNoKey is the answer where a header names a key that is not registered.
var errNoKey = errors.New("none of the issuer's registered keys fits its kid, x5t and alg")

// Opener unseals what was sealed for a row.
type Opener interface {
	Open(sealed []byte, as string) ([]byte, error)
}

// candidates returns the registered keys that may have signed an assertion with
// this header. The algorithm was checked against the registration before.
func candidates(now time.Time, opener Opener, issuer store.Issuer, h Header) ([]any, error) {
	switch {
	case len(issuer.SealedSecret) > 0:
		if h.Alg != SecretAlg {
			return nil, errNoKey
		}
		secret, err := opener.Open(issuer.SealedSecret, store.SealedAs("issuers", issuer.ID))
		if err != nil {
			return nil, &Fault{fmt.Errorf("unseal the shared secret of issuer %s: %w", issuer.ID, err)}
		}
		return []any{secret}, nil
	case len(issuer.Certificates) > 0:
		return fromCertificates(now, issuer.Certificates, h)
	default:
		return fromJWKS(issuer.JWKS, h)
	}
}

// fromCertificates chooses by x5t#S256 and x5t, which must both agree where both
// are there. A kid says nothing of a certificate and is passed over.
func fromCertificates(now time.Time, certificates [][]byte, h Header) ([]any, error) {
	var found []any
	outdated := false
	for _, der := range certificates {
		certificate, err := x509.ParseCertificate(der)
		if err != nil {
			return nil, &Fault{fmt.Errorf("parse a registered certificate: %w", err)}
		}
		if h.X5TS256 != "" && h.X5TS256 != Thumbprint256(der) || h.X5T != "" && h.X5T != Thumbprint1(der) {
			continue
		}
		if !fits(h.Alg, certificate.PublicKey) {
			continue
		}
		if now.Before(certificate.NotBefore) || now.After(certificate.NotAfter) {
			outdated = true
			continue
		}
		found = append(found, certificate.PublicKey)
	}
	if len(found) == 0 && outdated {
		return nil, fmt.Errorf("the certificate that it names is expired or not valid yet")
	}
	return bounded(found)
}

func fromJWKS(set []byte, h Header) ([]any, error) {
	parsed, err := jwk.Parse(set)
	if err != nil {
		return nil, &Fault{fmt.Errorf("parse the registered key set: %w", err)}
	}
	var found []any
	for i := range parsed.Len() {
		key, _ := parsed.Key(i)
		if !named(key, h) || !usable(key, h.Alg) {
			continue
		}
		var public any
		if err := key.Raw(&public); err != nil {
			return nil, &Fault{fmt.Errorf("read a registered key: %w", err)}
		}
		if fits(h.Alg, public) {
			found = append(found, public)
		}
	}
	return bounded(found)
}

// named reports whether the header's names, as far as it has any, are the key's.
func named(key jwk.Key, h Header) bool {
	return (h.KID == "" || key.KeyID() == h.KID) &&
		(h.X5TS256 == "" || key.X509CertThumbprintS256() == h.X5TS256) &&
		(h.X5T == "" || key.X509CertThumbprint() == h.X5T)
}

// usable reports whether the key's own use, key_ops and alg let it verify this
// (RFC 7517 §4.2 to §4.4).
func usable(key jwk.Key, alg string) bool {
	if use := key.KeyUsage(); use != "" && use != "sig" {
		return false
	}
	if ops := key.KeyOps(); len(ops) > 0 && !slices.Contains(ops, jwk.KeyOpVerify) {
		return false
	}
	return key.Algorithm().String() == "" || key.Algorithm().String() == alg
}

func bounded(keys []any) ([]any, error) {
	if len(keys) == 0 {
		return nil, errNoKey
	}
	return keys[:min(len(keys), maxTried)], nil
}

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
