package passwords

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"io"
)

// bcryptBytes is the number of bytes that bcrypt reads.
const bcryptBytes = 72

// MaxSecretBytes bounds a client secret that an administrator brings.
const MaxSecretBytes = bcryptBytes

// A stored hash is one of bcrypt. That of a secret of more than 72 bytes is
//
//	$hmac-sha256$SALT$2a$12$…
//
// where SALT is 16 random bytes in base64url, and what bcrypt hashed is the HMAC-SHA-256 of the
// secret under the salt, in base64url. Because of the salt, a list of plain SHA-256 hashes that
// leaked elsewhere is useless against it. The encoding contains no NUL, which bcrypt cannot handle.
const (
	prehashed   = "$hmac-sha256$"
	prehashSalt = 16
)

// prehash returns the text that bcrypt hashes for a secret, and the mark before the hash.
func prehash(random io.Reader, secret string) (mark, digest []byte, err error) {
	if len(secret) <= bcryptBytes {
		return nil, []byte(secret), nil
	}
	salt := make([]byte, prehashSalt)
	if _, err := io.ReadFull(random, salt); err != nil {
		return nil, nil, fmt.Errorf("make the salt of a long password: %w", err)
	}
	mark = base64.RawURLEncoding.AppendEncode([]byte(prehashed), salt)
	return mark, digestOf(salt, secret), nil
}

// presented returns the bcrypt hash in a stored hash, and the text of a secret to compare with it.
// It is not ok if the two cannot belong together.
func presented(stored []byte, secret string) (hash, digest []byte, ok bool) {
	rest, marked := bytes.CutPrefix(stored, []byte(prehashed))
	if marked != (len(secret) > bcryptBytes) {
		return nil, nil, false
	}
	if !marked {
		return stored, []byte(secret), true
	}
	encoded, hash, found := bytes.Cut(rest, []byte("$"))
	salt, err := base64.RawURLEncoding.Strict().DecodeString(string(encoded))
	if !found || err != nil || len(salt) != prehashSalt {
		return nil, nil, false
	}
	return append([]byte("$"), hash...), digestOf(salt, secret), true
}

func digestOf(salt []byte, secret string) []byte {
	mac := hmac.New(sha256.New, salt)
	mac.Write([]byte(secret))
	return base64.RawURLEncoding.AppendEncode(nil, mac.Sum(nil))
}
