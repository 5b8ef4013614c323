package tokens

import (
	"bytes"
	"crypto"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/lestrrat-go/jwx/v2/jwa"
	"github.com/lestrrat-go/jwx/v2/jws"

	"authserver/internal/keys"
)

// compact is a JWS in compact form (RFC 7515 §7.1).
type compact struct {
	header             map[string]any
	payload, signature []byte
	input              string // what the signature is over, as it stands there
}

// parseCompact refuses other spellings of one token: padding, the other alphabet,
// line breaks and stray bits at the end (RFC 4648 §3.5).
func parseCompact(token string) (compact, error) {
	parts := strings.Split(token, ".")
	if len(parts) != 3 {
		return compact{}, fmt.Errorf("it has not three parts with dots between them")
	}
	var decoded [3][]byte
	for i, part := range parts {
		var err error
		decoded[i], err = base64.RawURLEncoding.Strict().DecodeString(part)
		if err != nil || strings.ContainsAny(part, "\r\n") { // which Go's decoder passes over
			return compact{}, fmt.Errorf("part %d is not base64url without padding", i+1)
		}
	}
	header, err := decodeObject(decoded[0])
	if err != nil {
		return compact{}, fmt.Errorf("its header is malformed: %w", err)
	}
	return compact{header: header, payload: decoded[1], signature: decoded[2], input: token[:strings.LastIndexByte(token, '.')]}, nil
}

// signedBy checks the signature over the very bytes that were received. Verify of
// jws checks it over what it encodes anew, and so passes white space that somebody
// put around the header.
func (c compact) signedBy(key keys.PublicKey) error {
	if public, ok := key.Key.(*rsa.PublicKey); ok && key.Alg == keys.PS256 {
		// RFC 7518 §3.5: the salt is as long as the hash. jws lets it have any length.
		sum := sha256.Sum256([]byte(c.input))
		return rsa.VerifyPSS(public, crypto.SHA256, sum[:], c.signature, &rsa.PSSOptions{SaltLength: rsa.PSSSaltLengthEqualsHash})
	}
	verifier, err := jws.NewVerifier(jwa.SignatureAlgorithm(key.Alg))
	if err != nil {
		return fmt.Errorf("find the algorithm: %w", err)
	}
	return verifier.Verify([]byte(c.input), c.signature, key.Key)
}

// decodeObject reads one JSON object and nothing after it, numbers as
// json.Number. A member that stands twice is refused (RFC 7515 §4, RFC 7519 §4):
// we never made that.
func decodeObject(data []byte) (map[string]any, error) {
	decoder := json.NewDecoder(bytes.NewReader(data))
	decoder.UseNumber()
	if open, err := decoder.Token(); err != nil || open != json.Delim('{') {
		return nil, fmt.Errorf("it is not a JSON object")
	}
	members := make(map[string]any)
	for decoder.More() {
		token, err := decoder.Token()
		if err != nil {
			return nil, fmt.Errorf("it is not JSON: %w", err)
		}
		name, _ := token.(string) // the decoder lets nothing else stand here
		if _, repeated := members[name]; repeated {
			return nil, fmt.Errorf("a member stands in it twice")
		}
		var value any
		if err := decoder.Decode(&value); err != nil {
			return nil, fmt.Errorf("it is not JSON: %w", err)
		}
		members[name] = value
	}
	if _, err := decoder.Token(); err != nil {
		return nil, fmt.Errorf("it is not JSON: %w", err)
	}
	if _, err := decoder.Token(); !errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("something stands after the JSON object")
	}
	return members, nil
}
