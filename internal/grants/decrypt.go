package grants

import "authserver/internal/jose"

// Decrypter takes a signed token out of a JWE that was encrypted to a key of this
// server; it is [keys.Manager].
type Decrypter interface {
	Decrypt(token string) ([]byte, error)
}

// open returns the signed assertion within an encrypted one, and with which
// algorithm it was encrypted; what is not encrypted it returns as it is.
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

// maxEncrypted bounds an encrypted assertion, in bytes: the largest signed one, in
// base64url once more, and what is around it.
const maxEncrypted = 24 << 10
