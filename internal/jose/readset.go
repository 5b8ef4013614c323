package jose

import (
	"bytes"
	"errors"
	"fmt"
	"slices"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// LeftOut is a key of a set that was left out, and why.
type LeftOut struct {
	Place  int    // in the set, from one
	KID    string // "": none, or it cannot be read
	Why    string // in words that begin with "it" or "its"
	Secret bool   // a private key or a shared secret, with which every reader of the set can sign
	Use    bool   // its publisher says that it is not for signatures
}

func (l LeftOut) String() string {
	if l.KID == "" {
		return fmt.Sprintf("key %d is left out: %s", l.Place, l.Why)
	}
	return fmt.Sprintf("key %d (kid %.60q) is left out: %s", l.Place, l.KID, l.Why)
}

// ParseKeySet is [ReadKeySet] for callers that do not report which keys were left out.
func ParseKeySet(data []byte) (KeySet, error) {
	set, _, err := ReadKeySet(data)
	return set, err
}

// ReadKeySet reads a JWK Set, from a registration or from its publisher; a single JWK is a set of
// one. It leaves out keys of kinds, curves, algorithms, sizes or uses that do not verify here,
// because others publish them together with those that do (RFC 7517 §5: implementations SHOULD
// ignore them). It also leaves out private, symmetric, damaged and repeated keys. A set of which no
// key is left is not an error.
func ReadKeySet(data []byte) (KeySet, []LeftOut, error) {
	members, err := setMembers(bytes.TrimPrefix(data, []byte("\xef\xbb\xbf"))) // RFC 8259 §8.1: a parser MAY ignore it
	if err != nil {
		return nil, nil, fmt.Errorf("it is not a JWK Set (RFC 7517 section 5)")
	}
	var set KeySet
	var out []LeftOut
	for i, member := range members {
		key, left := readKey(member)
		if left == nil && slices.ContainsFunc(set, key.same) {
			left = &LeftOut{KID: key.KID, Why: "it is in the set already"}
		}
		if left != nil {
			left.Place = i + 1
			out = append(out, *left)
			continue
		}
		if set = append(set, key); len(set) > MaxKeys {
			return nil, nil, fmt.Errorf("it holds more than %d keys", MaxKeys)
		}
	}
	return set, out, nil
}

var errNoSet = errors.New("no set")

// keyList is the member "keys" of a set, undecoded. It refuses a second such member, because two
// readers of the set would see two sets.
type keyList []jsontext.Value

// UnmarshalJSONFrom implements [json.UnmarshalerFrom].
func (l *keyList) UnmarshalJSONFrom(decoder *jsontext.Decoder) error {
	if *l != nil {
		return errNoSet
	}
	if err := json.UnmarshalDecode(decoder, (*[]jsontext.Value)(l)); err != nil || *l == nil { // null
		return errNoSet
	}
	return nil
}

// setMembers returns the keys of a set undecoded, because an error in one of them must not affect
// the others.
func setMembers(data []byte) ([]jsontext.Value, error) {
	var set struct {
		Keys keyList        `json:"keys"`
		Kty  jsontext.Value `json:"kty"` // a single key has this
	}
	err := json.Unmarshal(data, &set, jsontext.AllowDuplicateNames(true))
	switch {
	case err == nil && set.Keys != nil:
		return set.Keys, nil
	case err == nil && set.Kty != nil:
		return []jsontext.Value{data}, nil
	}
	return nil, errNoSet
}

// readKey reads a key that verifies signatures, or says why it does not.
func readKey(data []byte) (Key, *LeftOut) {
	members, err := DecodeObject(data)
	if err != nil {
		return Key{}, &LeftOut{Why: "it is damaged: " + err.Error()}
	}
	kid, _ := members["kid"].(string)
	left := func(format string, args ...any) *LeftOut {
		return &LeftOut{KID: kid, Why: fmt.Sprintf(format, args...)}
	}
	if HoldsSecret(members) {
		l := left("it is a private key or a shared secret, which its holder alone may have")
		l.Secret = true
		return Key{}, l
	}
	own, err := publicMembers(members)
	if err != nil {
		return Key{}, left("%s", err)
	}
	if why := otherUse(own); why != "" {
		l := left("%s", why)
		l.Use = true
		return Key{}, l
	}
	_, public, err := PublicKey(own)
	if err != nil {
		return Key{}, left("%s", err)
	}
	alg, _ := own["alg"].(string)
	switch {
	case alg == "", slices.Contains(AlgorithmsFor(public), alg):
	case slices.Contains(Algorithms(), alg):
		return Key{}, left("its alg is %s, which a key of its kind cannot do", alg)
	default:
		return Key{}, left("its alg is %.20q, which is not supported", alg)
	}
	k := Key{KID: kid, Alg: alg, Public: public, members: own}
	k.X5T, k.X5TS256 = thumbprints(own)
	return k, nil
}

// otherUse returns the use of a key that is not for verifying, or "" if it is for verifying or has
// no use (RFC 7517 §4.2, §4.3).
func otherUse(members map[string]any) string {
	if use, ok := members["use"].(string); ok && use != "sig" {
		return fmt.Sprintf("its use is %.20q, and no signatures", use)
	}
	if ops, ok := members["key_ops"].([]any); ok && len(ops) > 0 && !slices.Contains(ops, any("verify")) {
		return "its key_ops do not have verify"
	}
	return ""
}
