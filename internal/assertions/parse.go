package assertions

import (
	"encoding/base64"
	"fmt"
	"strings"
	"unicode/utf8"
)

// MaxBytes bounds an assertion.
const MaxBytes = 16 << 10

// maxName bounds an issuer, a subject, a kid or a jti, in bytes.
const maxName = 1024

// Parsed is an assertion that was read and not believed yet.
type Parsed struct {
	Header    Header
	Claims    map[string]any // numbers are json.Number
	input     string         // what the signature is over, as it was received
	signature []byte
}

// Header is what of a JOSE header is looked at (RFC 7515 §4.1).
type Header struct {
	Alg     string
	KID     string
	X5T     string // base64url of the certificate's SHA-1
	X5TS256 string // base64url of the certificate's SHA-256
}

// Parse reads an assertion without checking its signature, only to learn who is
// said to have made it. The error names what was wrong in words of our own.
func Parse(assertion string) (Parsed, error) {
	if len(assertion) > MaxBytes {
		return Parsed{}, fmt.Errorf("it is larger than %d bytes", MaxBytes)
	}
	parts := strings.Split(assertion, ".")
	if len(parts) == 5 {
		return Parsed{}, fmt.Errorf("it is encrypted: a signed JWT is expected here")
	}
	if len(parts) != 3 {
		return Parsed{}, fmt.Errorf("it is not a signed JWT in compact form: that has three parts with dots between them")
	}
	header, err := decodePart(parts[0])
	if err != nil {
		return Parsed{}, fmt.Errorf("its header is malformed: %w", err)
	}
	claims, err := decodePart(parts[1])
	if err != nil {
		return Parsed{}, fmt.Errorf("its claims are malformed: %w", err)
	}
	signature, err := decodeBase64(parts[2])
	if err != nil {
		return Parsed{}, fmt.Errorf("its signature is malformed: %w", err)
	}
	p := Parsed{Claims: claims, input: parts[0] + "." + parts[1], signature: signature}
	p.Header, err = checkHeader(header)
	return p, err
}

// Issuer is who is said to have made the assertion, or "". It is fit for a query,
// whoever made it up.
func (p Parsed) Issuer() string {
	iss, err := text(p.Claims, "iss")
	if err != nil {
		return ""
	}
	return iss
}

func decodePart(part string) (map[string]any, error) {
	data, err := decodeBase64(part)
	if err != nil {
		return nil, err
	}
	if !utf8.Valid(data) {
		return nil, fmt.Errorf("it is not UTF-8")
	}
	return decodeObject(data)
}

// decodeBase64 takes one spelling alone (RFC 7515 §2): an assertion is named by
// its bytes where it has no jti, and must not be good again in other bytes.
func decodeBase64(part string) ([]byte, error) {
	data, err := base64.RawURLEncoding.Strict().DecodeString(part)
	if err != nil || strings.ContainsAny(part, "\r\n") { // which Go's decoder passes over
		return nil, fmt.Errorf("it is not base64url without padding")
	}
	return data, nil
}

// checkHeader refuses what this server cannot honour. jku, x5u, x5c and jwk are
// passed over: a key that comes with the message proves nothing (RFC 8725 §3.10).
func checkHeader(members map[string]any) (Header, error) {
	if _, ok := members["crit"]; ok { // RFC 7515 §4.1.11: none of its extensions is understood
		return Header{}, fmt.Errorf("its header has crit, and no extension is understood here")
	}
	if _, ok := members["b64"]; ok { // RFC 7797 §6: MUST NOT stand without crit
		return Header{}, fmt.Errorf("its header has b64, which is not understood here")
	}
	var h Header
	var typ string
	for name, to := range map[string]*string{"alg": &h.Alg, "kid": &h.KID, "x5t": &h.X5T, "x5t#S256": &h.X5TS256, "typ": &typ} {
		value, ok := members[name]
		if !ok {
			continue
		}
		if *to, ok = value.(string); !ok || len(*to) > maxName {
			return Header{}, fmt.Errorf("its header member %s is not a string of at most %d bytes", name, maxName)
		}
	}
	if h.Alg == "" {
		return Header{}, fmt.Errorf("its header has no alg")
	}
	// RFC 8725 §3.11: a token made for another purpose, such as an access token,
	// says so in its type and must not pass as an assertion.
	switch strings.TrimPrefix(strings.ToLower(typ), "application/") {
	case "", "jwt", "authorization-grant+jwt":
	default:
		return Header{}, fmt.Errorf("its typ is not that of an assertion: leave it out or set it to JWT")
	}
	return h, nil
}
