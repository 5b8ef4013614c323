package jose

import (
	"crypto"
	"crypto/rsa"
	"fmt"
	"strings"

	"github.com/lestrrat-go/jwx/v2/jwa"
	"github.com/lestrrat-go/jwx/v2/jws"
)

// SignedBy reports whether the holder of a key made the signature with an algorithm. The key is a
// public key, or a shared secret as []byte. The caller must choose the algorithm from the
// registration of the key (RFC 8725 §3.1). SignedBy returns false for an algorithm that does not
// fit the key or differs from the header's.
//
// It checks the signature over the received bytes. Verify of jws encodes the header again and
// checks over that, so it accepts white space around the header, which makes a second form of the
// same token.
func (c Compact) SignedBy(alg string, key any) bool {
	if c.Header.Alg != alg || !KeyFits(alg, key) {
		return false
	}
	if public, ok := key.(*rsa.PublicKey); ok && strings.HasPrefix(alg, "PS") {
		return c.signedPSS(alg, public) == nil
	}
	verifier, err := jws.NewVerifier(jwa.SignatureAlgorithm(alg))
	return err == nil && verifier.Verify([]byte(c.Input), c.Signature, key) == nil
}

// signedPSS requires a salt as long as the hash (RFC 7518 §3.5). jws accepts any length.
func (c Compact) signedPSS(alg string, public *rsa.PublicKey) error {
	hash, ok := map[string]crypto.Hash{"PS256": crypto.SHA256, "PS384": crypto.SHA384, "PS512": crypto.SHA512}[alg]
	if !ok {
		return fmt.Errorf("no algorithm %s", alg)
	}
	digest := hash.New()
	digest.Write([]byte(c.Input))
	return rsa.VerifyPSS(public, hash, digest.Sum(nil), c.Signature, &rsa.PSSOptions{SaltLength: rsa.PSSSaltLengthEqualsHash})
}
