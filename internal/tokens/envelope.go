package tokens

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"
)

// Envelope seals a text that the server hands out and takes back, such as the state of a sign-in,
// so that it needs no row. Only this server's replicas can read or make one.
type Envelope struct {
	// Purpose is part of the key: a text that was sealed for one purpose does not open for another.
	Purpose string
	Keys    RefreshKeys
	Rand    io.Reader
	// MaxBytes bounds the text, in bytes.
	MaxBytes int
}

// An envelope is base64url of version, 1 byte | key id, 4 | salt, 24 | ciphertext | tag, 16.
const (
	envelopeVersion = 1
	envelopeSalt    = 1 + 4
	envelopeBody    = envelopeSalt + 24
	envelopeTag     = 16
)

// tooLarge is the error of a content that is too large to be sealed.
type tooLarge struct{}

func (tooLarge) Error() string { return "it is too large to be sealed" }

// IsTooLarge reports whether Seal refused its content because of its size.
func IsTooLarge(err error) bool { return errors.Is(err, tooLarge{}) }

// Seal seals content at a moment.
func (e *Envelope) Seal(now time.Time, content []byte) (string, error) {
	size := envelopeBody + len(content) + envelopeTag
	if base64.RawURLEncoding.EncodedLen(size) > e.MaxBytes {
		return "", tooLarge{}
	}
	id, key, ok := e.Keys.At(now)
	if !ok {
		return "", errors.New("seal an envelope: no key is loaded")
	}
	b := make([]byte, envelopeBody, size)
	b[0] = envelopeVersion
	binary.BigEndian.PutUint32(b[1:], id)
	if _, err := io.ReadFull(e.Rand, b[envelopeSalt:]); err != nil {
		return "", fmt.Errorf("seal an envelope: read random bytes: %w", err)
	}
	aead, nonce, err := cipherFor(key, b[envelopeSalt:], e.Purpose)
	if err != nil {
		return "", err
	}
	return base64.RawURLEncoding.EncodeToString(aead.Seal(b, nonce, content, b)), nil
}

// Open returns the content that a replica of this server sealed. The error contains nothing of it.
func (e *Envelope) Open(text string) ([]byte, error) {
	if len(text) > e.MaxBytes {
		return nil, errors.New("it is longer than what this server seals")
	}
	if strings.ContainsAny(text, "\r\n") { // the decoder would ignore these
		return nil, errors.New("it was not sealed by this server")
	}
	b, err := base64.RawURLEncoding.Strict().DecodeString(text)
	if err != nil || len(b) < envelopeBody+envelopeTag || b[0] != envelopeVersion {
		return nil, errors.New("it was not sealed by this server")
	}
	key, ok := e.Keys.ByID(binary.BigEndian.Uint32(b[1:]))
	if !ok {
		return nil, errors.New("the key that it was sealed with is not in use any more")
	}
	aead, nonce, err := cipherFor(key, b[envelopeSalt:envelopeBody], e.Purpose)
	if err != nil {
		return nil, err
	}
	content, err := aead.Open(nil, nonce, b[envelopeBody:], b[:envelopeBody])
	if err != nil {
		return nil, errors.New("it was not sealed by this server")
	}
	return content, nil
}

// cipherFor returns a cipher with its own key and nonce for each salt and purpose, derived from the
// refresh token key.
func cipherFor(key, salt []byte, purpose string) (aead cipher.AEAD, nonce []byte, err error) {
	const keySize, nonceSize = 32, 12
	own, err := hkdf.Key(sha256.New, key, salt, purpose, keySize+nonceSize)
	if err != nil {
		return nil, nil, fmt.Errorf("derive the key of %s: %w", purpose, err)
	}
	block, err := aes.NewCipher(own[:keySize])
	if err != nil {
		return nil, nil, fmt.Errorf("make the cipher of %s: %w", purpose, err)
	}
	aead, err = cipher.NewGCM(block)
	return aead, own[keySize:], err
}
