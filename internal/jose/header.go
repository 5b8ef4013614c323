package jose

import (
	"fmt"
	"slices"
	"strings"
)

// MaxName bounds a name in a header or a claim, in bytes: a kid, an issuer, a subject or a jti.
const MaxName = 1024

// Header has the members of a JOSE header (RFC 7515 §4.1).
type Header struct {
	Alg     string
	KID     string
	X5T     string         // base64url of the certificate's SHA-1
	X5TS256 string         // base64url of the certificate's SHA-256
	Typ     string         // as it was sent; see [Header.Is]
	All     map[string]any // every member; numbers are json.Number
}

// Is reports whether the header's typ is one of the types, or missing if "" is among them. Case and
// the prefix "application/" do not matter (RFC 7515 §4.1.9).
func (h Header) Is(types ...string) bool {
	return slices.Contains(types, strings.TrimPrefix(strings.ToLower(h.Typ), "application/"))
}

// checkHeader refuses members that cannot be honoured. It ignores jku, x5u, x5c and jwk: a key that
// comes with the message proves nothing (RFC 8725 §3.10).
func checkHeader(members map[string]any) (Header, error) {
	if _, ok := members["crit"]; ok { // RFC 7515 §4.1.11: no extension is supported
		return Header{}, fmt.Errorf("its header has crit, and no extension is supported")
	}
	if _, ok := members["b64"]; ok { // RFC 7797 §6: MUST NOT be used without crit
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
