package oidc

import (
	"fmt"

	"authserver/internal/encryption"
	"authserver/internal/jose"
	"authserver/internal/parsed"
	"authserver/internal/store"
)

// Encrypter encrypts ID tokens, logout tokens and UserInfo to the key of the client (Core §10.2).
// It parses each key once.
type Encrypter struct {
	recipients parsed.Cache[encryption.Recipient]
}

// EncryptionAlgs are the algorithms by which it can encrypt, for the metadata (Discovery §3).
func EncryptionAlgs() []string { return jose.ClientEncryptionAlgs() }

// Encryptions are its content encryptions, the default first.
func Encryptions() []string { return jose.ClientEncryptions() }

// idToken encrypts a signed ID token or logout token if the client is registered for it (Core
// §16.14: signed first). Both take the same key and algorithms (Back-Channel Logout 1.0 §2.4).
func (e *Encrypter) idToken(client store.Client, signed string, header map[string]string) (string, error) {
	if client.IDTokenEncryptionAlg == "" {
		return signed, nil
	}
	return e.encrypt(client, []byte(signed), encryption.Form{Alg: client.IDTokenEncryptionAlg, Enc: client.IDTokenEncryptionEnc, Header: header})
}

// userinfo encrypts an answer of UserInfo, a signed JWT or claims (Core §5.3.2).
func (e *Encrypter) userinfo(client store.Client, content []byte, isClaims bool) (string, error) {
	return e.encrypt(client, content, encryption.Form{Alg: client.UserinfoEncryptionAlg, Enc: client.UserinfoEncryptionEnc, Claims: isClaims})
}

func (e *Encrypter) encrypt(client store.Client, content []byte, form encryption.Form) (string, error) {
	recipient, err := e.recipients.Get(client.EncryptionJWK, encryption.ParseRecipient)
	if err != nil {
		return "", fmt.Errorf("encrypt to the client: %w", err)
	}
	encrypted, err := recipient.Encrypt(content, form)
	if err != nil {
		return "", fmt.Errorf("encrypt to the client: %w", err)
	}
	return string(encrypted), nil
}
