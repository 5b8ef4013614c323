package assertions

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
	MinSecretBytes = 32 // for HS256
)

// SecretAlg is the algorithm of assertions under a shared secret.
const SecretAlg = "HS256"

// Algorithms returns the algorithms that an issuer with public keys may be
// registered for. There is no "none" among them and nothing symmetric.
func Algorithms() []string {
	return []string{"RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA"}
}

// AlgorithmsFor returns the algorithms that a public key can verify; none for a
// key that is too weak or of another kind.
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
		return []string{"EdDSA"}
	}
	return nil
}

func fits(alg string, key any) bool { return slices.Contains(AlgorithmsFor(key), alg) }

// CheckSecret refuses a shared secret that is shorter than the hash (RFC 7518 §3.2).
func CheckSecret(secret []byte) error {
	if len(secret) < MinSecretBytes {
		return fmt.Errorf("a shared secret must have at least %d bytes for %s", MinSecretBytes, SecretAlg)
	}
	return nil
}
