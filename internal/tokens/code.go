package tokens

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"strings"
	"time"

	"authserver/internal/store"
)

// CodePrefix begins every authorization code, so that a leaked one is recognised.
const CodePrefix = "aco_"

// A code is "aco_" and base64url of version, 1 byte | key id, 4 | family id, 16 | HMAC-SHA-256, 32.
const (
	codeVersion = 1
	codeBody    = 1 + 4 + len(store.FamilyID{})
	codeSize    = codeBody + sha256.Size
	codeLength  = len(CodePrefix) + (8*codeSize+5)/6
)

// CodeCodec turns the id of a family into an authorization code (RFC 6749 §4.1.2) and back. The
// code is generation 0 of the family and has no row of its own: the server refuses one that it did
// not make without a query (RFC 6749 §10.10).
type CodeCodec struct {
	Keys interface { // those of [RefreshCodec]
		At(moment time.Time) (id uint32, key []byte, ok bool)
		ByID(id uint32) (key []byte, ok bool)
	}
}

// Encode makes the code of a family that began at a moment.
func (c *CodeCodec) Encode(family store.FamilyID, began time.Time) (string, error) {
	id, key, ok := c.Keys.At(began)
	if !ok {
		return "", errors.New("make an authorization code: no key is loaded")
	}
	b := make([]byte, 0, codeSize)
	b = append(b, codeVersion)
	b = binary.BigEndian.AppendUint32(b, id)
	b = append(b, family[:]...)
	b = append(b, codeTag(key, b)...)
	return CodePrefix + base64.RawURLEncoding.EncodeToString(b), nil
}

// Decode reads a code that this server made. The error contains nothing of the code.
func (c *CodeCodec) Decode(code string) (store.FamilyID, error) {
	var family store.FamilyID
	if len(code) != codeLength || !strings.HasPrefix(code, CodePrefix) {
		return family, errors.New("not an authorization code of this server")
	}
	b, err := base64.RawURLEncoding.Strict().DecodeString(code[len(CodePrefix):])
	if err != nil || len(b) != codeSize || b[0] != codeVersion {
		return family, errors.New("not an authorization code of this server")
	}
	body, tag := b[:codeBody], b[codeBody:]
	key, ok := c.Keys.ByID(binary.BigEndian.Uint32(body[1:]))
	if !ok || !hmac.Equal(tag, codeTag(key, body)) {
		return family, errors.New("the authorization code was not signed by this server")
	}
	copy(family[:], body[codeBody-len(family):])
	return family, nil
}

func codeTag(key, body []byte) []byte {
	mac := hmac.New(sha256.New, key)
	mac.Write([]byte("authserver authorization code\x00"))
	mac.Write(body)
	return mac.Sum(nil)
}
