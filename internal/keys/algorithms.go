package keys

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"errors"
	"fmt"
	"slices"
	"strings"
)

// The algorithms that a signing key can have (RFC 7518 §3.1, RFC 8037 §3.1).
const (
	RS256 = "RS256" // RSASSA-PKCS1-v1_5 with SHA-256
	ES256 = "ES256" // ECDSA on P-256 with SHA-256
	PS256 = "PS256" // RSASSA-PSS with SHA-256
	ES384 = "ES384" // ECDSA on P-384 with SHA-384
	EdDSA = "EdDSA" // Ed25519; Go has no Ed448, the other curve
)

// Bounds on RSA keys. RFC 7518 §3.3 requires at least 2048 bits. With more than 4096 bits a
// signature takes so long that it is an outage.
const (
	minRSABits     = 2048
	maxRSABits     = 4096
	minRSAExponent = 65537 // FIPS 186-5 A.1.1: odd and above 2^16
)

// Algorithms returns the algorithms that a signing key can have, beginning with those that every
// library supports.
func Algorithms() []string { return []string{RS256, ES256, PS256, ES384, EdDSA} }

// SignerOpts returns the options with which a crypto.Signer signs by an algorithm of [Algorithms]
// (RFC 7518 §3.3 to §3.5, RFC 8037 §3.1).
func SignerOpts(alg string) crypto.SignerOpts {
	switch alg {
	case PS256:
		return &rsa.PSSOptions{SaltLength: rsa.PSSSaltLengthEqualsHash, Hash: crypto.SHA256}
	case ES384:
		return crypto.SHA384
	case EdDSA:
		return crypto.Hash(0) // Ed25519 hashes by itself
	}
	return crypto.SHA256
}

// The algorithms of keys to which others encrypt (RFC 7518 §4.1).
const (
	RSAOAEP256 = "RSA-OAEP-256" // RSAES-OAEP with SHA-256
	ECDHES     = "ECDH-ES"      // ephemeral-static Diffie-Hellman, on P-256
)

// EncryptionAlgorithms returns the algorithms of keys to which others encrypt.
func EncryptionAlgorithms() []string { return []string{RSAOAEP256, ECDHES} }

// encrypts reports whether keys of an algorithm are for encryption, not signatures.
func encrypts(alg string) bool { return slices.Contains(EncryptionAlgorithms(), alg) }

// AlgorithmsFor returns the algorithms that a key with this public half could have, or none for a
// key that is too weak or of another kind. The caller must choose one of them: a key is for one
// algorithm only (RFC 8725 §3.1).
func AlgorithmsFor(public crypto.PublicKey) []string {
	var algs []string
	for _, alg := range Algorithms() {
		if CheckPublicKey(alg, public) == nil {
			algs = append(algs, alg)
		}
	}
	return algs
}

// Generate makes a key pair for an algorithm; RSA keys have 2048 bits.
func Generate(alg string) (crypto.Signer, error) {
	switch alg {
	case RS256, PS256, RSAOAEP256:
		return rsa.GenerateKey(rand.Reader, minRSABits)
	case ES256, ECDHES:
		return ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	case ES384:
		return ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	case EdDSA:
		_, private, err := ed25519.GenerateKey(rand.Reader)
		return private, err
	}
	return nil, unknownAlgorithm(alg)
}

// CheckPublicKey returns nil if a public key is of the kind and strength that the algorithm
// requires (RFC 7518 §3.3 to §3.5, RFC 8037 §3.1).
func CheckPublicKey(alg string, public crypto.PublicKey) error {
	switch alg {
	case RS256, PS256, RSAOAEP256:
		if key, ok := public.(*rsa.PublicKey); ok {
			return checkRSA(key)
		}
	case ES256, ECDHES:
		if key, ok := public.(*ecdsa.PublicKey); ok && key.Curve == elliptic.P256() {
			return checkPoint(key)
		}
	case ES384:
		if key, ok := public.(*ecdsa.PublicKey); ok && key.Curve == elliptic.P384() {
			return checkPoint(key)
		}
	case EdDSA:
		if key, ok := public.(ed25519.PublicKey); ok && len(key) == ed25519.PublicKeySize {
			return nil
		}
	default:
		return unknownAlgorithm(alg)
	}
	return fmt.Errorf("%s does not fit %s, which wants %s", kindOf(public), alg, kindFor(alg))
}

func checkRSA(key *rsa.PublicKey) error {
	bits := key.N.BitLen()
	if bits < minRSABits { // RFC 7518 §3.3, §3.5: a key of size 2048 bits or larger MUST be used
		return fmt.Errorf("an RSA key of %d bits is too small: it must have %d to %d", bits, minRSABits, maxRSABits)
	}
	if bits > maxRSABits {
		return fmt.Errorf("an RSA key of %d bits is too large: it must have %d to %d, or signing takes too long", bits, minRSABits, maxRSABits)
	}
	if key.E < minRSAExponent || key.E%2 == 0 {
		return fmt.Errorf("an RSA key with the public exponent %d is unsafe: it must be odd and at least %d, which is the usual one", key.E, minRSAExponent)
	}
	return nil
}

func checkPoint(key *ecdsa.PublicKey) error {
	if _, err := key.ECDH(); err != nil {
		return errors.New("the EC key is damaged: its point is not on its curve")
	}
	return nil
}

func kindFor(alg string) string {
	switch alg {
	case ES256, ECDHES:
		return "an EC key on P-256"
	case ES384:
		return "an EC key on P-384"
	case EdDSA:
		return "an Ed25519 key"
	}
	return "an RSA key"
}

func kindOf(public crypto.PublicKey) string {
	switch key := public.(type) {
	case *rsa.PublicKey:
		return "an RSA key"
	case *ecdsa.PublicKey:
		return "an EC key on " + key.Params().Name
	case ed25519.PublicKey:
		return "an Ed25519 key"
	}
	return fmt.Sprintf("a key of type %T", public)
}

func unknownAlgorithm(alg string) error {
	return fmt.Errorf("the algorithm %q is not known: use one of %s", alg, strings.Join(Algorithms(), ", "))
}
