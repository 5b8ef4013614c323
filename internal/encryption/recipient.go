package encryption

import (
	"fmt"
	"slices"

	"github.com/lestrrat-go/jwx/v2/jwa"
	"github.com/lestrrat-go/jwx/v2/jwe"
	"github.com/lestrrat-go/jwx/v2/jwk"

	"authserver/internal/jose"
)

// Recipient is the party that holds the key to which tokens are encrypted.
type Recipient struct {
	public any
	alg    jwa.KeyEncryptionAlgorithm
	kid    string
}

// ParseRecipient reads a key that [jose.CheckEncryptionKey] returned.
func ParseRecipient(registered []byte) (Recipient, error) {
	key, err := jwk.ParseKey(registered)
	if err != nil {
		return Recipient{}, fmt.Errorf("read the registered encryption key: %w", err)
	}
	r := Recipient{alg: jwa.KeyEncryptionAlgorithm(key.Algorithm().String()), kid: key.KeyID()}
	if err := key.Raw(&r.public); err != nil {
		return Recipient{}, fmt.Errorf("read the registered encryption key: %w", err)
	}
	return r, nil
}

// Encrypt wraps a signed JWT into a JWE in compact form (RFC 7516 §7.1, RFC 7519 §5.2).
// Nothing is compressed (RFC 8725 §3.6). The private members go into its header, which is
// protected and in clear (RFC 7516 §4.3).
func (r Recipient) Encrypt(signed []byte, enc string, private map[string]string) ([]byte, error) {
	if !slices.Contains(jose.ContentEncryptions(), enc) {
		return nil, fmt.Errorf("encrypt: enc %q is not known", enc)
	}
	headers := jwe.NewHeaders()
	members := map[string]any{jwe.ContentTypeKey: "JWT", jwe.KeyIDKey: r.kid}
	for name, value := range private {
		members[name] = value
	}
	for name, value := range members {
		if err := headers.Set(name, value); err != nil {
			return nil, fmt.Errorf("encrypt: set the header %q: %w", name, err)
		}
	}
	encrypted, err := jwe.Encrypt(signed, jwe.WithKey(r.alg, r.public), jwe.WithContentEncryption(jwa.ContentEncryptionAlgorithm(enc)),
		jwe.WithProtectedHeaders(headers), jwe.WithCompress(jwa.NoCompress))
	if err != nil {
		return nil, fmt.Errorf("encrypt: %w", err)
	}
	return encrypted, nil
}
