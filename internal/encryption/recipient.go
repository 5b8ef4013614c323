package encryption

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/lestrrat-go/jwx/v2/jwa"
	"github.com/lestrrat-go/jwx/v2/jwe"
	"github.com/lestrrat-go/jwx/v2/jwk"

	"authserver/internal/jose"
)

// Recipient is the party with the key to which tokens are encrypted.
type Recipient struct {
	public any
	alg    string // "": the JWK has none
	kid    string
}

// ParseRecipient reads a key from [jose.CheckEncryptionKey] or [jose.CheckClientEncryptionKey].
func ParseRecipient(registered []byte) (Recipient, error) {
	key, err := jwk.ParseKey(registered)
	if err != nil {
		return Recipient{}, fmt.Errorf("read the registered encryption key: %w", err)
	}
	r := Recipient{alg: key.Algorithm().String(), kid: key.KeyID()}
	if err := key.Raw(&r.public); err != nil {
		return Recipient{}, fmt.Errorf("read the registered encryption key: %w", err)
	}
	return r, nil
}

// Form is the way to encrypt a content.
type Form struct {
	Alg string // RFC 7518 §4.1; "": that of the key
	Enc string // RFC 7518 §5.1
	// Claims is true for a claims set, and false for a signed JWT (RFC 7519 §5.2).
	Claims bool
	// Header has more members for the header, which is protected but not encrypted (RFC 7516 §4).
	Header map[string]string
}

// Encrypt wraps a content into a JWE in compact form (RFC 7516 §7.1). Nothing is compressed
// (RFC 8725 §3.6).
func (r Recipient) Encrypt(content []byte, f Form) ([]byte, error) {
	alg := cmp.Or(f.Alg, r.alg)
	switch {
	case !slices.Contains(jose.ClientEncryptionAlgs(), alg), r.alg != "" && alg != r.alg:
		return nil, fmt.Errorf("encrypt: the key is not for alg %q", alg)
	case !slices.Contains(jose.ClientEncryptions(), f.Enc): // these include those of resources
		return nil, fmt.Errorf("encrypt: enc %q is not known", f.Enc)
	}
	headers := jwe.NewHeaders()
	members := map[string]any{jwe.KeyIDKey: r.kid}
	if !f.Claims {
		members[jwe.ContentTypeKey] = "JWT"
	}
	for name, value := range f.Header {
		members[name] = value
	}
	for name, value := range members {
		if err := headers.Set(name, value); err != nil {
			return nil, fmt.Errorf("encrypt: set the header %q: %w", name, err)
		}
	}
	encrypted, err := jwe.Encrypt(content, jwe.WithKey(jwa.KeyEncryptionAlgorithm(alg), r.public), jwe.WithContentEncryption(jwa.ContentEncryptionAlgorithm(f.Enc)),
		jwe.WithProtectedHeaders(headers), jwe.WithCompress(jwa.NoCompress))
	if err != nil {
		return nil, fmt.Errorf("encrypt: %w", err)
	}
	return encrypted, nil
}
