package jose

import (
	"crypto"
	"encoding/json"
	"errors"
)

// Bounds on a key set.
const (
	MaxKeys  = 50
	maxTried = 10 // keys to try for a token that names none
)

// ErrNoKey reports a token that names an unknown key.
var ErrNoKey = errors.New("none of the registered keys fits its kid, x5t and alg")

// Key is a public key of a key set.
type Key struct {
	KID     string
	X5T     string
	X5TS256 string
	Alg     string // "": any that the key supports
	Public  any    // *rsa.PublicKey, *ecdsa.PublicKey or ed25519.PublicKey

	members map[string]any // the public members that are supported here
}

// JWK returns the published key without members that are private or not supported here.
func (k Key) JWK() (json.RawMessage, error) { return json.Marshal(k.members) }

// same reports whether the other key is the same key under the same names.
func (k Key) same(other Key) bool {
	public, ok := k.Public.(interface{ Equal(x crypto.PublicKey) bool })
	return ok && k.KID == other.KID && k.Alg == other.Alg && k.X5T == other.X5T && k.X5TS256 == other.X5TS256 && public.Equal(other.Public)
}

// KeySet is the keys of a JWK Set (RFC 7517 §5) that verify signatures.
type KeySet []Key

// Find returns the keys that may have signed a token with this header, ten at most: those that it
// names, or, if it names none, all that support its alg. A header without alg, which no token has,
// only names the key of a certificate.
func (s KeySet) Find(h Header) []Key {
	var found []Key
	for _, key := range s {
		if key.named(h) && (h.Alg == "" || (key.Alg == "" || key.Alg == h.Alg) && KeyFits(h.Alg, key.Public)) {
			found = append(found, key)
		}
	}
	return found[:min(len(found), maxTried)]
}

// named reports whether all names in the header are those of the key.
func (k Key) named(h Header) bool {
	return (h.KID == "" || k.KID == h.KID) && (h.X5TS256 == "" || k.X5TS256 == h.X5TS256) && (h.X5T == "" || k.X5T == h.X5T)
}
