package assertions

import (
	"crypto/x509"
	"encoding/json"
	"fmt"
	"slices"

	"github.com/lestrrat-go/jwx/v2/jwk"

	"authserver/internal/jose"
)

// CheckJWKS reads a key set that is to be registered and returns it with the
// public members alone, and the algorithms that its keys are used with where
// nobody chooses others: each key's own "alg", or else the first of its kind.
// Keys that are for encryption are left out, as identity providers publish them
// beside the others. A private or symmetric key is refused: it has no business in
// a registration.
func CheckJWKS(data []byte) (json.RawMessage, []string, error) {
	set, err := jwk.Parse(data)
	if err != nil {
		return nil, nil, fmt.Errorf("it is not a JWK Set (RFC 7517 section 5): %w", err)
	}
	if set.Len() == 0 || set.Len() > jose.MaxKeys {
		return nil, nil, fmt.Errorf("a key set must hold 1 to %d keys", jose.MaxKeys)
	}
	var algorithms []string
	kept := jwk.NewSet()
	for i := range set.Len() {
		key, _ := set.Key(i)
		if key.KeyUsage() == "enc" {
			continue
		}
		if private, err := jwk.IsPrivateKey(key); err != nil || private {
			return nil, nil, fmt.Errorf("it holds a private or symmetric key: register public keys alone")
		}
		var public any
		if err := key.Raw(&public); err != nil {
			return nil, nil, fmt.Errorf("read key %d: %w", i+1, err)
		}
		can := jose.AlgorithmsFor(public)
		if own := key.Algorithm().String(); own != "" {
			can = slices.DeleteFunc(can, func(alg string) bool { return alg != own })
		}
		if len(can) == 0 {
			return nil, nil, fmt.Errorf("key %d is of a kind, size or alg that cannot be used: take RSA from %d bits, P-256, P-384, P-521 or Ed25519", i+1, jose.MinRSABits)
		}
		algorithms = append(algorithms, can[0])
		if err := kept.AddKey(key); err != nil {
			return nil, nil, fmt.Errorf("key %d: %w", i+1, err)
		}
	}
	if kept.Len() == 0 {
		return nil, nil, fmt.Errorf("it holds no key for signatures")
	}
	public, err := json.Marshal(kept)
	if err != nil {
		return nil, nil, fmt.Errorf("encode the key set: %w", err)
	}
	return public, unique(algorithms), nil
}

// CheckCertificates returns the algorithms that the certificates' keys are used
// with where nobody chooses others.
func CheckCertificates(ders [][]byte) ([]string, error) {
	if len(ders) > jose.MaxKeys {
		return nil, fmt.Errorf("more than %d certificates", jose.MaxKeys)
	}
	var algorithms []string
	for i, der := range ders {
		certificate, err := x509.ParseCertificate(der)
		if err != nil {
			return nil, fmt.Errorf("parse certificate %d: %w", i+1, err)
		}
		can := jose.AlgorithmsFor(certificate.PublicKey)
		if len(can) == 0 {
			return nil, fmt.Errorf("the key of certificate %d is of a kind or size that cannot be used: take RSA from %d bits, P-256, P-384, P-521 or Ed25519", i+1, jose.MinRSABits)
		}
		algorithms = append(algorithms, can[0])
	}
	return unique(algorithms), nil
}

func unique(values []string) []string {
	slices.Sort(values)
	return slices.Compact(values)
}
