package jose

import (
	"crypto"
	"encoding/json"
	"errors"
)

// Bounds on a key set.
const (
	MaxKeys  = 50
	maxTried = 10 // keys that a token which names none is tried against
)

// ErrNoKey is the answer where a token names a key that is not there.
var ErrNoKey = errors.New("none of the registered keys fits its kid, x5t and alg")

// Key is a public key of a key set.
type Key struct {
	KID     string
	X5T     string
	X5TS256 string
	Alg     string // "": any that the key can do
	Public  any    // *rsa.PublicKey, *ecdsa.PublicKey or ed25519.PublicKey

	members map[string]any // its public members, and of those the ones that are understood here
}

// JWK is the key as it was published, without members that are private or not understood
// here.
func (k Key) JWK() (json.RawMessage, error) { return json.Marshal(k.members) }

// same reports whether another is the same key under the same names.
func (k Key) same(other Key) bool {
	public, ok := k.Public.(interface{ Equal(x crypto.PublicKey) bool })
	return ok && k.KID == other.KID && k.Alg == other.Alg && k.X5T == other.X5T && k.X5TS256 == other.X5TS256 && public.Equal(other.Public)
}

// KeySet is the keys of a JWK Set (RFC 7517 §5) that verify signatures.
type KeySet []Key

// Find returns the keys that may have signed a token with this header, ten at
// most: those that it names, or all that can do its alg where it names none. A header
// without alg, which no token has, is of a certificate that only names its key.
func (s KeySet) Find(h Header) []Key {
	var found []Key
	for _, key := range s {
		if key.named(h) && (h.Alg == "" || (key.Alg == "" || key.Alg == h.Alg) && KeyFits(h.Alg, key.Public)) {
			found = append(found, key)
		}
	}
	return found[:min(len(found), maxTried)]
}

// named reports whether the header's names, as far as it has any, are the key's.
func (k Key) named(h Header) bool {
	return (h.KID == "" || k.KID == h.KID) && (h.X5TS256 == "" || k.X5TS256 == h.X5TS256) && (h.X5T == "" || k.X5T == h.X5T)
}
