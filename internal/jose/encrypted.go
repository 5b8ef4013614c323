package jose

import (
	"fmt"
	"slices"
	"strings"
)

// IsEncrypted reports whether a token has the five parts of a JWE in compact form (RFC 7516 §9). A
// JWS has three.
func IsEncrypted(token string) bool { return strings.Count(token, ".") == 4 }

// ParseEncrypted reads only the header of a JWE in compact form (RFC 7516 §7.1) of at most limit
// bytes.
func ParseEncrypted(token string, limit int) (Header, error) {
	if len(token) > limit {
		return Header{}, fmt.Errorf("it is larger than %d bytes", limit)
	}
	parts := strings.Split(token, ".")
	if len(parts) != 5 {
		return Header{}, fmt.Errorf("it is not an encrypted JWT in compact form: that has five parts with dots between them")
	}
	for _, part := range parts[1:] {
		if _, err := decodeBase64(part); err != nil {
			return Header{}, fmt.Errorf("a part of it is malformed: %w", err)
		}
	}
	data, err := decodeBase64(parts[0])
	if err != nil {
		return Header{}, fmt.Errorf("its header is malformed: %w", err)
	}
	members, err := DecodeObject(data)
	if err != nil {
		return Header{}, fmt.Errorf("its header is malformed: %w", err)
	}
	return checkHeader(members)
}

// CheckEncryptedHeader refuses the kinds of JWE that this server does not support: RSA1_5, a key
// that was agreed on in another way, a key from a password, and compression, with which a small
// token becomes a large one (RFC 8725 §2.4, §3.2, §3.6).
func CheckEncryptedHeader(h Header) error {
	if h.Alg != RSAOAEP256 && h.Alg != ECDHES {
		return fmt.Errorf("its alg is not one of %s and %s", RSAOAEP256, ECDHES)
	}
	if enc, _ := h.All["enc"].(string); !slices.Contains(ContentEncryptions(), enc) {
		return fmt.Errorf("its enc is not one of %s", strings.Join(ContentEncryptions(), ", "))
	}
	if _, ok := h.All["zip"]; ok {
		return fmt.Errorf("its header has zip, and compression is not supported")
	}
	if cty, _ := h.All["cty"].(string); !strings.EqualFold(cty, "JWT") { // RFC 7519 §5.2
		return fmt.Errorf("its cty is not JWT, so it contains no signed token")
	}
	return nil
}
