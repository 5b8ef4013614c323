package tokens

import (
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"time"
)

// nonceTurn is how long one nonce is given out; it stays valid for as long again.
const nonceTurn = 5 * time.Minute

// A nonce is base64url of turn, 8 bytes | key id, 4 | HMAC-SHA-256, 32.
const (
	nonceBody = 8 + 4
	nonceSize = nonceBody + sha256.Size
)

// Nonces are the values that a server gives out for DPoP proofs (RFC 9449 §8), so that a proof
// cannot be made long before its use. They are a function of the time and of a key that all
// replicas have, and need no storage.
type Nonces struct {
	Keys RefreshKeys
	Skew time.Duration // the most by which the clocks of two replicas differ
}

// Make returns the nonce that is given out at the moment.
func (n *Nonces) Make(now time.Time) (string, error) {
	id, key, ok := n.Keys.At(now)
	if !ok {
		return "", fmt.Errorf("make a nonce: no key is loaded")
	}
	b := binary.BigEndian.AppendUint64(make([]byte, 0, nonceSize), turnOf(now))
	b = binary.BigEndian.AppendUint32(b, id)
	tag, err := nonceTag(key, b)
	if err != nil {
		return "", err
	}
	return base64.RawURLEncoding.EncodeToString(append(b, tag...)), nil
}

// Good reports whether a nonce is one that a replica gave out in the turn of now or the
// one before, by the clock of any replica.
func (n *Nonces) Good(now time.Time, nonce string) bool {
	b, err := base64.RawURLEncoding.Strict().DecodeString(nonce)
	if err != nil || len(b) != nonceSize {
		return false
	}
	key, ok := n.Keys.ByID(binary.BigEndian.Uint32(b[8:]))
	if !ok {
		return false
	}
	tag, err := nonceTag(key, b[:nonceBody])
	if err != nil || !hmac.Equal(tag, b[nonceBody:]) {
		return false
	}
	given := binary.BigEndian.Uint64(b)
	return turnOf(now.Add(-n.Skew)) <= given+1 && given <= turnOf(now.Add(n.Skew))
}

func turnOf(now time.Time) uint64 {
	return uint64(now.Unix()) / uint64(nonceTurn/time.Second) //nolint:gosec // G115: it is after 1970
}

// nonceTag computes the tag under a key of its own, derived from the refresh token key.
func nonceTag(key, body []byte) ([]byte, error) {
	own, err := hkdf.Key(sha256.New, key, nil, "authserver DPoP nonce", sha256.Size)
	if err != nil {
		return nil, fmt.Errorf("derive the key of nonces: %w", err)
	}
	mac := hmac.New(sha256.New, own)
	mac.Write(body)
	return mac.Sum(nil), nil
}
