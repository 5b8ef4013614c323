package jose

import (
	"fmt"
	"slices"
	"strings"
)

// MaxName bounds a name in a header or a claim, in bytes: a kid, an issuer, a
// subject, a jti.
const MaxName = 1024

// Header is what of a JOSE header is looked at (RFC 7515 §4.1).
type Header struct {
	Alg     string
	KID     string
	X5T     string         // base64url of the certificate's SHA-1
	X5TS256 string         // base64url of the certificate's SHA-256
	Typ     string         // as it was sent; see [Header.Is]
	All     map[string]any // every member; numbers are json.Number
}

// Is reports whether the header's typ is one of these, or missing where "" is among
// them. The case and the prefix "application/" do not matter (RFC 7515 §4.1.9).
func (h Header) Is(types ...string) bool {
	return slices.Contains(types, strings.TrimPrefix(strings.ToLower(h.Typ), "application/"))
}

// checkHeader refuses what cannot be honoured. jku, x5u, x5c and jwk are passed
// over: a key that comes with the message proves nothing (RFC 8725 §3.10).
func checkHeader(members map[string]any) (Header, error) {
	if _, ok := members["crit"]; ok { // RFC 7515 §4.1.11: none of its extensions is understood
		return Header{}, fmt.Errorf("its header has crit, and no extension is supported")
	}
	if _, ok := members["b64"]; ok { // RFC 7797 §6: MUST NOT stand without crit
		return Header{}, fmt.Errorf("its header has b64, which is not supported")
	}
	h := Header{All: members}
	for _, member := range [...]struct {
		name string
		to   *string
	}{{"alg", &h.Alg}, {"kid", &h.KID}, {"x5t", &h.X5T}, {"x5t#S256", &h.X5TS256}, {"typ", &h.Typ}} {
		value, ok := members[member.name]
		if !ok {
			continue
		}
		if *member.to, ok = value.(string); !ok || len(*member.to) > MaxName {
			return Header{}, fmt.Errorf("its header member %s is not a string of at most %d bytes", member.name, MaxName)
		}
	}
	if h.Alg == "" {
		return Header{}, fmt.Errorf("its header has no alg")
	}
	return h, nil
}
