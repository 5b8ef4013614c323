package grants

import "authserver/internal/jose"

// Decrypter decrypts a JWE that was encrypted to a key of this server; it is [keys.Manager].
type Decrypter interface {
	Decrypt(token string) ([]byte, error)
}

// open returns the signed assertion inside an encrypted one, and the algorithm of the encryption.
// It returns an unencrypted assertion as it is.
func (t *Trust) open(assertion string) (signed, alg string, err error) {
	if !jose.IsEncrypted(assertion) {
		return assertion, "", nil
	}
	header, err := jose.ParseEncrypted(assertion, maxEncrypted)
	if err != nil {
		return "", "", refuseAssertion("assertion_malformed", err)
	}
	plain, err := t.Decrypter.Decrypt(assertion)
	if err != nil {
		return "", "", refuseAssertion("assertion_undecryptable", err)
	}
	return string(plain), header.Alg, nil
}

// maxEncrypted bounds an encrypted assertion, in bytes: the largest signed assertion, base64url
// again, and the other parts.
const maxEncrypted = 24 << 10
