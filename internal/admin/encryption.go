package admin

import (
	"encoding/json"
	"slices"

	"authserver/internal/jose"
	"authserver/internal/store"
)

// setEncryptionKey sets the public key to which tokens are encrypted. It reports whether the key
// was removed.
func (f *form) setEncryptionKey(to *json.RawMessage, key json.RawMessage, check func([]byte) (json.RawMessage, error)) (removed bool) {
	switch {
	case key == nil:
	case len(key) == 0:
		*to = nil
		return true
	default:
		public, err := check(key)
		if err != nil {
			f.fault("encryption_jwk", CodeInvalid, "%v", err)
			break
		}
		*to = public
	}
	return false
}

// setEnc sets the content encryption, if the tokens are encrypted. The first of the known ones is
// the default.
func (f *form) setEnc(field Field, to, enc *string, known []string, encrypted bool, goesWith Field) {
	if encrypted && *to == "" {
		*to = known[0]
	}
	setOne(f, field, to, enc, known)
	if !encrypted {
		if enc != nil && *enc != "" {
			f.fault(field, CodeConflict, "it goes with %v", goesWith)
		}
		*to = ""
	}
}

// setEncryption sets the encryption of a resource's tokens.
func setEncryption(f *form, r *store.Resource, in ResourceInput) {
	f.setEncryptionKey(&r.EncryptionJWK, in.EncryptionJWK, jose.CheckEncryptionKey)
	f.setEnc("encryption_enc", &r.EncryptionEnc, in.EncryptionEnc, jose.ContentEncryptions(), r.EncryptionJWK != nil, "encryption_jwk")
}

// setClientEncryption sets the encryption of ID tokens, logout tokens and UserInfo (OpenID Connect
// Dynamic Client Registration 1.0 §2).
func setClientEncryption(f *form, c *store.Client, in ClientSignInInput) {
	if f.setEncryptionKey(&c.EncryptionJWK, in.EncryptionJWK, jose.CheckClientEncryptionKey) {
		c.IDTokenEncryptionAlg, c.UserinfoEncryptionAlg = "", ""
	}
	f.setEncryptionAlg("id_token_encrypted_response_alg", &c.IDTokenEncryptionAlg, in.IDTokenEncryptionAlg, c.EncryptionJWK)
	f.setEnc("id_token_encrypted_response_enc", &c.IDTokenEncryptionEnc, in.IDTokenEncryptionEnc, jose.ClientEncryptions(), c.IDTokenEncryptionAlg != "", "id_token_encrypted_response_alg")
	f.setEncryptionAlg("userinfo_encrypted_response_alg", &c.UserinfoEncryptionAlg, in.UserinfoEncryptionAlg, c.EncryptionJWK)
	f.setEnc("userinfo_encrypted_response_enc", &c.UserinfoEncryptionEnc, in.UserinfoEncryptionEnc, jose.ClientEncryptions(), c.UserinfoEncryptionAlg != "", "userinfo_encrypted_response_alg")
}

// setEncryptionAlg sets an algorithm, which the key has to support. A new key also has to support
// the algorithm that is set already.
func (f *form) setEncryptionAlg(field Field, to, alg *string, key json.RawMessage) {
	setOptional(f, field, to, alg, jose.ClientEncryptionAlgs())
	if *to == "" {
		return
	}
	if key == nil {
		f.fault(field, CodeConflict, "it goes with %v, the public key of the client", Field("encryption_jwk"))
		return
	}
	algs, err := jose.AlgsOfClientKey(key)
	switch {
	case err != nil:
		f.fault(field, CodeConflict, "%v cannot be read any more: %v", Field("encryption_jwk"), err)
	case !slices.Contains(algs, *to):
		f.fault(field, CodeConflict, "%v is for %s, and not for %s", Field("encryption_jwk"), Values(algs), *to)
	}
}
