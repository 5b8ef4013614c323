package admin

import (
	"bytes"
	"crypto"
	"crypto/x509"
	"encoding/base64"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"time"

	"authserver/internal/encryption"
	"authserver/internal/jose"
	"authserver/internal/keys/keyfiles"
	"authserver/internal/trust/assertions"
)

// NewAssertion is an assertion to be signed (RFC 7523 §3). Exactly one of Key and
// Secret is there.
type NewAssertion struct {
	Issuer       string
	Subject      string
	Client       bool // it is one by which a client proves itself (RFC 7523 §2.2)
	Audience     string
	TTL          time.Duration
	Claims       map[string]any // beside those above, or in their place
	Key          []byte         // a private key in PEM, or a JWK
	Secret       []byte         // shared with this server
	Certificates []byte         // in PEM; the first is named as x5t and x5t#S256; nil: none
	Alg          string         // "": the first that the key can do
	KID          string         // "": that of the JWK, or none
	Encryption   AssertionEncryption
}

// AssertionEncryption is to whom a signed assertion is encrypted (RFC 7519 §5.2).
type AssertionEncryption struct {
	JWKS []byte // the key set of the server that is to take it, or a JWK; nil: it is not encrypted
	Alg  string // which of the keys; "": there is one
	Enc  string // "": the default
}

// SignAssertion makes a JWT that buys an access token, or proves who a client is. It needs no database: it
// stands for an issuer, with whose key it signs.
func SignAssertion(now time.Time, rand io.Reader, n NewAssertion) (string, error) {
	key, err := n.signingKey()
	if err != nil {
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
	signed, err := assertions.SignAs(typ, key, claims)
	if err != nil {
		return "", &Invalid{err}
	}
	return n.encrypted(signed)
}

func (n NewAssertion) encrypted(signed string) (string, error) {
	e := n.Encryption
	switch {
	case e.JWKS == nil && e.Alg == "" && e.Enc == "":
		return signed, nil
	case e.JWKS == nil:
		return "", invalid("--encryption-alg and --encryption-enc go with --encryption-jwks-file")
	case n.Client:
		return "", invalid("--encryption-jwks-file goes with --iss: what a client proves itself with is signed only")
	case e.Enc == "":
		e.Enc = jose.ContentEncryptions()[0]
	case !slices.Contains(jose.ContentEncryptions(), e.Enc):
		return "", invalid("--encryption-enc %q is not one of %s", e.Enc, strings.Join(jose.ContentEncryptions(), ", "))
	}
	if err := keyfiles.Check(e.JWKS, keyfiles.JWKSet); err != nil {
		return "", invalid("--encryption-jwks-file: %w", err)
	}
	key, err := jose.ChooseEncryptionKey(e.JWKS, e.Alg)
	if err != nil {
		return "", invalid("--encryption-jwks-file: %w", err)
	}
	recipient, err := encryption.ParseRecipient(key)
	if err != nil {
		return "", err
	}
	encrypted, err := recipient.Encrypt([]byte(signed), e.Enc, nil)
	return string(encrypted), err
}

func (n NewAssertion) signingKey() (assertions.SigningKey, error) {
	if n.Secret != nil {
		if n.Certificates != nil {
			return assertions.SigningKey{}, invalid("--certificate-file goes with --key-file: a shared secret has no certificate")
		}
		return assertions.SigningKey{Key: n.Secret, Alg: n.Alg, KID: n.KID}, checkSharedSecret(n.Secret)
	}
	key, err := assertions.ParsePrivateKey(n.Key)
	if err != nil {
		return assertions.SigningKey{}, invalid("--key-file: %w", err)
	}
	if n.Alg != "" {
		key.Alg = n.Alg
	}
	if n.KID != "" {
		key.KID = n.KID
	}
	if n.Certificates == nil {
		return key, nil
	}
	certificates, err := assertions.ParseCertificates(n.Certificates)
	if err != nil {
		return assertions.SigningKey{}, invalid("--certificate-file: %w", err)
	}
	key.Cert = certificates[0]
	return key, ofKey(key)
}

// ofKey wants the certificate to be that of the private key: verifiers would
// choose another key by it.
func ofKey(key assertions.SigningKey) error {
	certificate, err := x509.ParseCertificate(key.Cert)
	if err != nil {
		return invalid("--certificate-file: %w", err)
	}
	signer, ok := key.Key.(crypto.Signer)
	if !ok {
		return invalid("--key-file: the key cannot sign")
	}
	// The raw encodings of one key may differ, as in the parameters of RSA.
	public, err := x509.MarshalPKIXPublicKey(signer.Public())
	if err != nil {
		return invalid("--key-file: %w", err)
	}
	certified, err := x509.MarshalPKIXPublicKey(certificate.PublicKey)
	if err != nil || !bytes.Equal(public, certified) {
		return invalid("--certificate-file is the certificate of another key than --key-file")
	}
	return nil
}
