package tokens

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"
)

// Pairwise makes the pairwise subjects of users (OpenID Connect Core §8.1). The same user and
// sector give the same subject on every replica. Only this server can compute the user from a
// subject, so it finds the user of its own access token without a query.
type Pairwise struct {
	// Secret returns the secret of all subjects, 32 bytes that never change.
	Secret func() ([]byte, error)
}

// A pairwise subject is base64url of a tag, 16 bytes | ciphertext. The plaintext is the hash of the
// sector, 16 | the user's id. The tag is an HMAC of the plaintext, and begins the key stream of AES
// in counter mode: deterministic encryption (as SIV, RFC 5297).
const (
	pairwiseTag    = 16
	pairwiseSector = 16
)

// Subject returns the subject that the clients of a sector see for a user (OpenID Connect Core §8).
// For the sector "", of clients without pairwise subjects, it is the user's ID. ID tokens, UserInfo,
// introspection and access tokens have the same subject. Access tokens have it because a client can
// read them, although they are not for it.
func (p *Pairwise) Subject(sector, userID string) (string, error) {
	if sector == "" {
		return userID, nil
	}
	if p == nil {
		return "", errors.New("make a pairwise subject: the server has no secret for that")
	}
	keys, err := p.keys()
	if err != nil {
		return "", fmt.Errorf("make a pairwise subject: %w", err)
	}
	hash := sha256.Sum256([]byte(sector))
	plain := append(hash[:pairwiseSector:pairwiseSector], userID...)
	tag := keys.tag(plain)
	b := make([]byte, pairwiseTag+len(plain))
	copy(b, tag)
	cipher.NewCTR(keys.block, tag).XORKeyStream(b[pairwiseTag:], plain)
	return base64.RawURLEncoding.EncodeToString(b), nil
}

// User returns the id of the user of a subject; false: this server did not make it.
func (p *Pairwise) User(subject string) (userID string, ok bool, err error) {
	if p == nil || strings.ContainsAny(subject, "\r\n") { // the decoder would ignore these
		return "", false, nil
	}
	b, err := base64.RawURLEncoding.Strict().DecodeString(subject)
	if err != nil || len(b) <= pairwiseTag+pairwiseSector {
		return "", false, nil //nolint:nilerr // it is another subject, and no error
	}
	keys, err := p.keys()
	if err != nil {
		return "", false, fmt.Errorf("read a pairwise subject: %w", err)
	}
	plain := make([]byte, len(b)-pairwiseTag)
	cipher.NewCTR(keys.block, b[:pairwiseTag]).XORKeyStream(plain, b[pairwiseTag:])
	if !hmac.Equal(keys.tag(plain), b[:pairwiseTag]) {
		return "", false, nil
	}
	return string(plain[pairwiseSector:]), true, nil
}

type pairwiseKeys struct {
	mac   []byte
	block cipher.Block
}

func (p *Pairwise) keys() (pairwiseKeys, error) {
	secret, err := p.Secret()
	if err != nil {
		return pairwiseKeys{}, err
	}
	both, err := hkdf.Key(sha256.New, secret, nil, "pairwise subjects of authserver", 2*sha256.Size)
	if err != nil {
		return pairwiseKeys{}, err
	}
	block, err := aes.NewCipher(both[sha256.Size:])
	return pairwiseKeys{both[:sha256.Size], block}, err
}

func (k pairwiseKeys) tag(plain []byte) []byte {
	mac := hmac.New(sha256.New, k.mac)
	mac.Write(plain)
	return mac.Sum(nil)[:pairwiseTag]
}
