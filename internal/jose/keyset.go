package jose

import (
	"errors"
	"fmt"
	"slices"

	"github.com/lestrrat-go/jwx/v2/jwk"
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
}

// KeySet is the keys of a JWK Set (RFC 7517 §5) that verify signatures.
type KeySet []Key

// ParseKeySet reads a JWK Set, one that was registered or one that was fetched.
// Keys of kinds, sizes or uses that cannot verify are left out, since others
// publish them beside those that can (RFC 7517 §5: implementations SHOULD ignore
// them), private and symmetric ones too: whoever reads them could sign with them.
func ParseKeySet(data []byte) (KeySet, error) {
	parsed, err := jwk.Parse(data, jwk.WithIgnoreParseError(true)) // a key of a kind that is not known
	if err != nil {
		return nil, fmt.Errorf("it is not a JWK Set (RFC 7517 section 5)")
	}
	if parsed.Len() > MaxKeys {
		return nil, fmt.Errorf("it holds more than %d keys", MaxKeys)
	}
	var set KeySet
	for i := range parsed.Len() {
		key, _ := parsed.Key(i)
		if private, err := jwk.IsPrivateKey(key); err != nil || private || !forVerifying(key) {
			continue
		}
		var public any
		if err := key.Raw(&public); err != nil {
			continue
		}
		alg := key.Algorithm().String()
		if can := AlgorithmsFor(public); len(can) == 0 || alg != "" && !slices.Contains(can, alg) {
			continue
		}
		x5t, x5tS256 := thumbprints(key)
		set = append(set, Key{KID: key.KeyID(), X5T: x5t, X5TS256: x5tS256, Alg: alg, Public: public})
	}
	return set, nil
}

// forVerifying reports whether the key's own use and key_ops let it verify
// (RFC 7517 §4.2, §4.3).
func forVerifying(key jwk.Key) bool {
	if use := key.KeyUsage(); use != "" && use != "sig" {
		return false
	}
	ops := key.KeyOps()
	return len(ops) == 0 || slices.Contains(ops, jwk.KeyOpVerify)
}

// Find returns the keys that may have signed a token with this header, ten at
// most: those that it names, or all that can do its alg where it names none. A header
// without alg, which no token has, is of a certificate that only names its key.
func (s KeySet) Find(h Header) []Key {
	var found []Key
	for _, key := range s {
		if key.named(h) && (h.Alg == "" || (key.Alg == "" || key.Alg == h.Alg) && Fits(h.Alg, key.Public)) {
			found = append(found, key)
		}
	}
	return found[:min(len(found), maxTried)]
}

// named reports whether the header's names, as far as it has any, are the key's.
func (k Key) named(h Header) bool {
	return (h.KID == "" || k.KID == h.KID) && (h.X5TS256 == "" || k.X5TS256 == h.X5TS256) && (h.X5T == "" || k.X5T == h.X5T)
}
