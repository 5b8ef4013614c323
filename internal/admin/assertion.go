package admin

import (
	"bytes"
	"cmp"
	"crypto"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"time"

	"authserver/internal/encryption"
	"authserver/internal/jose"
	"authserver/internal/trust/assertions"
)

// NewAssertion is an assertion to be signed (RFC 7523 §3).
type NewAssertion struct {
	Issuer       string                `field:"iss"`
	Subject      string                `field:"sub"`
	Client       bool                  `field:"client"` // it authenticates a client (RFC 7523 §2.2)
	Audience     string                `field:"aud"`
	TTL          time.Duration         `field:"ttl_seconds"`
	Claims       map[string]any        `field:"claims"`       // in addition to those above, or instead of them
	Key          assertions.SigningKey `field:"key"`          // private, or a secret that is shared with this server
	Certificates [][]byte              `field:"certificates"` // in DER; the first is named as x5t and x5t#S256; nil: none
	Alg          string                `field:"alg"`          // "": the first that the key can do
	KID          string                `field:"kid"`          // "": that of the key, or none
	Encryption   AssertionEncryption
}

// AssertionEncryption is the recipient to which a signed assertion is encrypted (RFC 7519 §5.2).
type AssertionEncryption struct {
	JWKS json.RawMessage `field:"encryption_jwks"` // the key set of the receiving server, or a JWK; nil: it is not encrypted
	Alg  string          `field:"encryption_alg"`  // which of the keys; "": there is one
	Enc  string          `field:"encryption_enc"`  // "": the default
}

// SignAssertion makes a JWT that a client exchanges for an access token, or that authenticates a
// client. It needs no database, because it acts as the issuer and signs with its key.
func SignAssertion(now time.Time, rand io.Reader, n NewAssertion) (string, error) {
	var f form
	key := n.signingKey(&f)
	recipient := n.recipient(&f)
	if err := f.result(); err != nil {
		return "", err
	}
	id := make([]byte, 16)
	if _, err := io.ReadFull(rand, id); err != nil {
		return "", fmt.Errorf("make the jti: %w", err)
	}
	claims := map[string]any{
		"iss": n.Issuer,
		"sub": n.Subject,
		"aud": n.Audience,
		"iat": now.Unix(),
		"exp": now.Add(n.TTL).Unix(),
		"jti": base64.RawURLEncoding.EncodeToString(id),
	}
	maps.Copy(claims, n.Claims)
	typ := "JWT"
	if n.Client {
		typ = assertions.ClientType
	}
	signed, err := assertions.Sign(typ, key, claims)
	if err != nil { // the key is for other algorithms
		return "", Faults{newFault("alg", CodeUnsupported, "%v", err)}
	}
	if recipient == nil {
		return signed, nil
	}
	encrypted, err := recipient.Encrypt([]byte(signed), encryption.Form{Enc: cmp.Or(n.Encryption.Enc, jose.ContentEncryptions()[0])})
	return string(encrypted), err
}

// recipient is the recipient to which the assertion is encrypted; nil: none.
func (n NewAssertion) recipient(f *form) *encryption.Recipient {
	e := n.Encryption
	if e.Enc != "" {
		f.checkKnown("encryption_enc", e.Enc, jose.ContentEncryptions())
	}
	switch {
	case e.JWKS == nil && e.Alg == "" && e.Enc == "":
		return nil
	case e.JWKS == nil:
		f.fault("encryption_jwks", CodeRequired, "%v and %v go with it", Field("encryption_alg"), Field("encryption_enc"))
		return nil
	case n.Client:
		f.fault("encryption_jwks", CodeConflict, "it goes with %v: what a client proves itself with is signed only", Field("iss"))
		return nil
	}
	key, err := jose.ChooseEncryptionKey(e.JWKS, e.Alg)
	if err != nil {
		f.fault("encryption_jwks", CodeInvalid, "%v", err)
		return nil
	}
	recipient, err := encryption.ParseRecipient(key)
	if err != nil {
		f.fail("%w", err)
	}
	return &recipient
}

func (n NewAssertion) signingKey(f *form) assertions.SigningKey {
	key := n.Key
	key.Alg, key.KID = cmp.Or(n.Alg, key.Alg), cmp.Or(n.KID, key.KID)
	if key.Key == nil {
		f.fault("key", CodeRequired, "an assertion is signed with one")
	}
	if secret, ok := key.Key.([]byte); ok {
		if n.Certificates != nil {
			f.fault("certificates", CodeConflict, "it goes with a private key: a shared secret has no certificate")
		}
		f.checkSharedSecret("key", secret)
		return key
	}
	if len(n.Certificates) > 0 {
		key.Cert = n.Certificates[0]
		ofKey(f, key)
	}
	return key
}

// ofKey demands the certificate of the private key: verifiers would otherwise choose another key by
// it.
func ofKey(f *form, key assertions.SigningKey) {
	certificate, err := x509.ParseCertificate(key.Cert)
	if err != nil {
		f.fault("certificates", CodeInvalid, "%v", err)
		return
	}
	signer, ok := key.Key.(crypto.Signer)
	if !ok {
		f.fault("key", CodeInvalid, "the key cannot sign")
		return
	}
	// The raw encodings of one key may differ, as in the parameters of RSA.
	public, err := x509.MarshalPKIXPublicKey(signer.Public())
	if err != nil {
		f.fault("key", CodeInvalid, "%v", err)
		return
	}
	certified, err := x509.MarshalPKIXPublicKey(certificate.PublicKey)
	if err != nil || !bytes.Equal(public, certified) {
		f.fault("certificates", CodeConflict, "it is the certificate of another key than %v", Field("key"))
	}
}
