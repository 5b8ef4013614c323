package assertions

import (
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"authserver/internal/jose"
	"authserver/internal/keys/keyfiles"
)

// CheckJWKS reads a key set for a registration. It returns the public members of the keys that
// verify signatures, and the keys that it left out because they do not (RFC 7517 §5). It refuses a
// private or symmetric key, because a registration must not contain one, and a set of which no key
// is left.
func CheckJWKS(data []byte) (json.RawMessage, []jose.LeftOut, error) {
	if err := keyfiles.Check(data, keyfiles.JWKSet); err != nil {
		return nil, nil, err
	}
	set, out, err := jose.ReadKeySet(data)
	if err != nil {
		return nil, nil, err
	}
	if i := slices.IndexFunc(out, func(l jose.LeftOut) bool { return l.Secret }); i >= 0 {
		return nil, nil, fmt.Errorf("key %d is a private key or a shared secret: register public keys alone, and keep this key secret", out[i].Place)
	}
	if len(set) == 0 && len(out) == 0 {
		return nil, nil, errors.New("the key set is empty")
	}
	if len(set) == 0 {
		return nil, nil, fmt.Errorf("it contains no key that can verify signatures here (RSA from %d bits, P-256, P-384, P-521, Ed25519): %s", jose.MinRSABits, out[0])
	}
	kept := struct {
		Keys []json.RawMessage `json:"keys"`
	}{}
	for i, key := range set {
		own, err := key.JWK()
		if err != nil {
			return nil, nil, fmt.Errorf("encode key %d: %w", i+1, err)
		}
		kept.Keys = append(kept.Keys, own)
	}
	public, err := json.Marshal(kept)
	if err != nil {
		return nil, nil, fmt.Errorf("encode the key set: %w", err)
	}
	return public, out, nil
}

// CheckCertificates returns the default algorithms for the certificates' keys.
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
