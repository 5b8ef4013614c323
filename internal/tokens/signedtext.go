package tokens

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"strings"
	"time"
)

// RefreshKeys are the HMAC-SHA-256 keys of refresh tokens, of 32 bytes. Each outlives the tokens of
// its turn. The other texts that this server makes for itself have keys that are derived from them.
type RefreshKeys interface {
	At(moment time.Time) (id uint32, key []byte, ok bool)
	ByID(id uint32) (key []byte, ok bool)
}

// signedText is the form of a text that only this server can make: a prefix and base64url of
// version, 1 byte | key id, 4 | content | HMAC-SHA-256 of the label and these, 32.
type signedText struct {
	prefix, name, label string
	content             int // its size in bytes
}

const (
	signedVersion = 1
	signedContent = 1 + 4 // where the content begins
)

func (s signedText) body() int { return signedContent + s.content }

func (s signedText) length() int {
	return len(s.prefix) + base64.RawURLEncoding.EncodedLen(s.body()+sha256.Size)
}

func (s signedText) encode(keys RefreshKeys, began time.Time, content []byte) (string, error) {
	id, key, ok := keys.At(began)
	if !ok {
		return "", fmt.Errorf("make %s: no key is loaded", s.name)
	}
	b := make([]byte, 0, s.body()+sha256.Size)
	b = append(b, signedVersion)
	b = binary.BigEndian.AppendUint32(b, id)
	b = append(b, content...)
	b = append(b, s.tag(key, b)...)
	return s.prefix + base64.RawURLEncoding.EncodeToString(b), nil
}

func (s signedText) decode(keys RefreshKeys, text string) (content []byte, err error) {
	if len(text) != s.length() || !strings.HasPrefix(text, s.prefix) {
		return nil, fmt.Errorf("not %s of this server", s.name)
	}
	b, err := base64.RawURLEncoding.Strict().DecodeString(text[len(s.prefix):])
	if err != nil || len(b) != s.body()+sha256.Size || b[0] != signedVersion {
		return nil, fmt.Errorf("not %s of this server", s.name)
	}
	body, tag := b[:s.body()], b[s.body():]
	key, ok := keys.ByID(binary.BigEndian.Uint32(body[1:]))
	if !ok || !hmac.Equal(tag, s.tag(key, body)) {
		return nil, fmt.Errorf("not %s that this server signed", s.name)
	}
	return body[signedContent:], nil
}

func (s signedText) tag(key, body []byte) []byte {
	mac := hmac.New(sha256.New, key)
	mac.Write([]byte(s.label))
	mac.Write(body)
	return mac.Sum(nil)
}
