package jose

import (
	"encoding/base64"
	"fmt"
	"strings"
)

// Compact is a JWS in compact form (RFC 7515 §7.1) that was parsed and not verified yet.
type Compact struct {
	Header    Header
	Payload   []byte
	Signature []byte
	Input     string // the signed text, as it was received
}

// Parse reads a JWS of at most limit bytes without checking its signature. The error says what was
// wrong in our own words, and quotes nothing of the token.
func Parse(token string, limit int) (Compact, error) {
	if len(token) > limit {
		return Compact{}, fmt.Errorf("it is larger than %d bytes", limit)
	}
	parts := strings.Split(token, ".")
	if len(parts) == 5 {
		return Compact{}, fmt.Errorf("it is encrypted: a signed JWT is expected here")
	}
	if len(parts) != 3 {
		return Compact{}, fmt.Errorf("it is not a signed JWT in compact form: that has three parts with dots between them")
	}
	var decoded [3][]byte
	for i, name := range []string{"header is", "claims are", "signature is"} {
		var err error
		if decoded[i], err = decodeBase64(parts[i]); err != nil {
			return Compact{}, fmt.Errorf("its %s malformed: %w", name, err)
		}
	}
	members, err := DecodeObject(decoded[0])
	if err != nil {
		return Compact{}, fmt.Errorf("its header is malformed: %w", err)
	}
	c := Compact{Payload: decoded[1], Signature: decoded[2], Input: token[:strings.LastIndexByte(token, '.')]}
	c.Header, err = checkHeader(members)
	return c, err
}

// Claims reads the payload as a JWT Claims Set (RFC 7519 §4), with numbers as json.Number.
func (c Compact) Claims() (map[string]any, error) {
	claims, err := DecodeObject(c.Payload)
	if err != nil {
		return nil, fmt.Errorf("its claims are malformed: %w", err)
	}
	return claims, nil
}

// decodeBase64 accepts only one spelling (RFC 7515 §2): callers often identify a token by its
// bytes, and no other bytes must be the same token.
func decodeBase64(part string) ([]byte, error) {
	data, err := base64.RawURLEncoding.Strict().DecodeString(part)
	if err != nil || strings.ContainsAny(part, "\r\n") { // Go's decoder ignores these
		return nil, fmt.Errorf("it is not base64url without padding")
	}
	return data, nil
}
