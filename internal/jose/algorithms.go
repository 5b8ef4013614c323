package jose

import (
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rsa"
	"fmt"
	"slices"
)

// Bounds on keys (RFC 7518 §3.2 and §3.3).
const (
	MinRSABits     = 2048
	MaxRSABits     = 8192
	MinSecretBytes = 32 // 256 bits, for every hash
)

// Algorithms returns the algorithms of signatures that a public key verifies. "none" and symmetric
// algorithms are not among them.
func Algorithms() []string {
	return []string{"RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA"}
}

// Common returns the algorithms that are in each of the lists; a nil list has all.
func Common(algorithms []string, lists ...[]string) []string {
	for _, list := range lists {
		if list != nil {
			algorithms = slices.DeleteFunc(slices.Clone(algorithms), func(alg string) bool { return !slices.Contains(list, alg) })
		}
	}
	return algorithms
}

// AlgorithmsFor returns the algorithms that a public key can verify, or none for a key that is too
// weak or of another kind.
func AlgorithmsFor(key any) []string {
	switch k := key.(type) {
	case *rsa.PublicKey:
		if bits := k.N.BitLen(); bits >= MinRSABits && bits <= MaxRSABits {
			return []string{"RS256", "RS384", "RS512", "PS256", "PS384", "PS512"}
		}
	case *ecdsa.PublicKey:
		if _, err := k.ECDH(); err != nil { // the point is not on the curve
			return nil
		}
		switch k.Curve {
		case elliptic.P256():
			return []string{"ES256"}
		case elliptic.P384():
			return []string{"ES384"}
		case elliptic.P521():
			return []string{"ES512"}
		}
	case ed25519.PublicKey:
		if len(k) == ed25519.PublicKeySize { // jwx accepts any length, and Verify panics at another
			return []string{"EdDSA"}
		}
	}
	return nil
}

// SecretAlgorithms returns the algorithms for which a shared secret of this many bytes is long
// enough: the key must be as long as the hash (RFC 7518 §3.2).
func SecretAlgorithms(size int) []string {
	var can []string
	for _, hash := range []struct {
		alg   string
		bytes int
	}{{"HS256", 32}, {"HS384", 48}, {"HS512", 64}} {
		if size >= hash.bytes {
			can = append(can, hash.alg)
		}
	}
	return can
}

// KeyFits reports whether a public key, or a shared secret ([]byte), can verify an algorithm.
func KeyFits(alg string, key any) bool {
	if secret, ok := key.([]byte); ok {
		return slices.Contains(SecretAlgorithms(len(secret)), alg)
	}
	return slices.Contains(AlgorithmsFor(key), alg)
}

// CheckSecret refuses a shared secret that is too short for every algorithm (RFC 7518 §3.2).
func CheckSecret(secret []byte) error {
	if len(secret) < MinSecretBytes {
		return fmt.Errorf("a shared secret must have at least %d bytes", MinSecretBytes)
	}
	return nil
}
