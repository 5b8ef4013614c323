package sessions

import (
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"io"
)

// A secret is 32 random bytes, and in the cookie base64url without padding.
const (
	secretSize   = 32
	secretLength = (8*secretSize + 5) / 6
)

// newSecret makes the secret of a session, and its hash as the store has it.
func newSecret(random io.Reader) (secret string, hash [sha256.Size]byte, err error) {
	var b [secretSize]byte
	if _, err := io.ReadFull(random, b[:]); err != nil {
		return "", hash, fmt.Errorf("make the secret of a session: %w", err)
	}
	return base64.RawURLEncoding.EncodeToString(b[:]), sha256.Sum256(b[:]), nil
}

// hashOf returns the hash of the secret that a browser sent. A text that cannot be a secret costs
// no query.
func hashOf(secret string) (hash [sha256.Size]byte, ok bool) {
	if len(secret) != secretLength {
		return hash, false
	}
	b, err := base64.RawURLEncoding.Strict().DecodeString(secret)
	if err != nil || len(b) != secretSize {
		return hash, false
	}
	return sha256.Sum256(b), true
}
