package tokens

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"strings"
	"time"

	"authserver/internal/store"
)

// RefreshPrefix begins every refresh token, so that a leaked one is recognised.
const RefreshPrefix = "art_"

// A refresh token is "art_" and base64url of
// version, 1 byte | key id, 4 | family id, 16 | generation, 4 | HMAC-SHA-256, 32.
const (
	refreshVersion = 1
	refreshBody    = 1 + 4 + len(store.FamilyID{}) + 4
	refreshSize    = refreshBody + sha256.Size
)

// refreshLength is the length of every refresh token, in bytes: base64url has a character for every
// six bits.
const refreshLength = len(RefreshPrefix) + (8*refreshSize+5)/6

// Refresh is the content of a refresh token: its family and generation.
type Refresh struct {
	Family     store.FamilyID
	Generation uint32
}

// RefreshCodec turns family and generation into a refresh token and back. It keeps no state: the
// successor of a token is a function of the token and of the moment of the rotation, so that a
// retry gets the same answer from every replica.
type RefreshCodec struct {
	Keys interface { // HMAC-SHA-256 keys of 32 bytes
		At(moment time.Time) (id uint32, key []byte, ok bool)
		ByID(id uint32) (key []byte, ok bool)
	}
}

// Encode makes the refresh token of a generation that began at a moment.
func (c *RefreshCodec) Encode(r Refresh, began time.Time) (string, error) {
	id, key, ok := c.Keys.At(began)
	if !ok {
		return "", fmt.Errorf("make a refresh token: no key is loaded")
	}
	b := make([]byte, 0, refreshSize)
	b = append(b, refreshVersion)
	b = binary.BigEndian.AppendUint32(b, id)
	b = append(b, r.Family[:]...)
	b = binary.BigEndian.AppendUint32(b, r.Generation)
	b = append(b, refreshTag(key, b)...)
	return RefreshPrefix + base64.RawURLEncoding.EncodeToString(b), nil
}

// Decode reads a refresh token that this server made. A forged or damaged token is an error, which
// needs no query. The error contains nothing of the token.
func (c *RefreshCodec) Decode(token string) (Refresh, error) {
	if len(token) != refreshLength || !strings.HasPrefix(token, RefreshPrefix) {
		return Refresh{}, fmt.Errorf("not a refresh token of this server")
	}
	b, err := base64.RawURLEncoding.Strict().DecodeString(token[len(RefreshPrefix):])
	if err != nil || len(b) != refreshSize || b[0] != refreshVersion {
		return Refresh{}, fmt.Errorf("not a refresh token of this server")
	}
	body, tag := b[:refreshBody], b[refreshBody:]
	key, ok := c.Keys.ByID(binary.BigEndian.Uint32(body[1:]))
	if !ok || !hmac.Equal(tag, refreshTag(key, body)) {
		return Refresh{}, fmt.Errorf("the refresh token was not signed by this server")
	}
	var r Refresh
	copy(r.Family[:], body[5:])
	r.Generation = binary.BigEndian.Uint32(body[refreshBody-4:])
	return r, nil
}

func refreshTag(key, body []byte) []byte {
	mac := hmac.New(sha256.New, key)
	mac.Write([]byte("authserver refresh token\x00"))
	mac.Write(body)
	return mac.Sum(nil)
}
