package keys

import (
	"fmt"

	"github.com/lestrrat-go/jwx/v2/jwa"
	"github.com/lestrrat-go/jwx/v2/jwe"

	"authserver/internal/jose"
)

// maxDecrypted bounds the plaintext of a JWE, in bytes. The plaintext is never larger than the JWE,
// because the server refuses compression.
const maxDecrypted = 32 << 10

// Decrypt returns what a client or issuer encrypted to a key of this server (RFC 7516 §5.2). The
// token is a JWE in compact form that [jose.CheckEncryptedHeader] has accepted. The key decides the
// algorithm, never the token (RFC 8725 §3.1). A key decrypts until it is removed, even when the key
// set no longer shows it.
func (m *Manager) Decrypt(token string) ([]byte, error) {
	header, err := jose.ParseEncrypted(token, maxDecrypted)
	if err != nil {
		return nil, err
	}
	if err := jose.CheckEncryptedHeader(header); err != nil {
		return nil, err
	}
	s := m.current.Load()
	if s == nil {
		return nil, errNotLoaded()
	}
	e, ok := s.byKID[header.KID]
	if !ok || e.pair == nil || !encrypts(e.row.Alg) || StateAt(e.row, m.Now()) == Removed {
		return nil, fmt.Errorf("it is encrypted to a key that is not one of this server's: take the one with use enc from the JWKS")
	}
	if header.Alg != e.row.Alg {
		return nil, fmt.Errorf("its alg is not that of the key that it is encrypted to, %s", e.row.Alg)
	}
	plain, err := jwe.Decrypt([]byte(token), jwe.WithKey(jwa.KeyEncryptionAlgorithm(e.row.Alg), e.pair.private))
	if err != nil {
		return nil, fmt.Errorf("it cannot be decrypted with the key that it names") // the cause would tell an attacker where it failed
	}
	e.pair.note(m.Now())
	return plain, nil
}
