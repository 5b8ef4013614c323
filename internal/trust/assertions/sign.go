package assertions

import (
	"crypto"
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"github.com/lestrrat-go/jwx/v2/jwa"
	"github.com/lestrrat-go/jwx/v2/jwk"
	"github.com/lestrrat-go/jwx/v2/jws"

	"authserver/internal/jose"
	"authserver/internal/keys/keyfiles"
)

// SigningKey signs assertions: a private key, or a shared secret.
type SigningKey struct {
	Key  any    // crypto.Signer, or []byte for HS256, HS384 and HS512
	Alg  string // "": the first that the key supports
	KID  string // header "kid"; "": none
	Cert []byte // DER; sets x5t and x5t#S256; nil: none
	// Embed puts the public key itself into the header "jwk" (RFC 9449 §4.2), for a receiver that
	// knows no key in advance.
	Embed bool
}

// ParsePrivateKey reads a private key in PEM (PKCS#1, PKCS#8, SEC 1) or as a JWK, of which it keeps
// kid and alg.
func ParsePrivateKey(data []byte) (SigningKey, error) {
	if err := keyfiles.Check(data, keyfiles.PrivateKey); err != nil {
		return SigningKey{}, err
	}
	key, err := jwk.ParseKey(data, jwk.WithPEM(!json.Valid(data)))
	if err != nil {
		return SigningKey{}, keyfiles.Instead(data, keyfiles.PrivateKey)
	}
	var raw any
	if err := key.Raw(&raw); err != nil { // the cause may quote the key
		return SigningKey{}, errors.New("the key is damaged: its members do not belong together")
	}
	signer, ok := raw.(crypto.Signer)
	if !ok {
		return SigningKey{}, fmt.Errorf("it is not a private key")
	}
	if jose.AlgorithmsFor(signer.Public()) == nil {
		return SigningKey{}, fmt.Errorf("the key is of a kind or size that cannot be used: take RSA from 2048 bits, P-256, P-384, P-521 or Ed25519")
	}
	return SigningKey{Key: signer, Alg: key.Algorithm().String(), KID: key.KeyID()}, nil
}

// ParseCertificates reads one or more certificates in PEM, or one in DER, as DER.
func ParseCertificates(data []byte) ([][]byte, error) {
	found, err := keyfiles.Certificates(data)
	if err != nil {
		return nil, err
	}
	ders := make([][]byte, len(found))
	for i, certificate := range found {
		ders[i] = certificate.Raw
	}
	return ders, nil
}

// Sign makes an assertion of the claims, with a header "typ" (RFC 7523 §3).
func Sign(typ string, key SigningKey, claims map[string]any) (string, error) {
	alg, err := key.algorithm()
	if err != nil {
		return "", err
	}
	headers := jws.NewHeaders()
	members := map[string]any{jws.TypeKey: typ}
	if key.KID != "" {
		members[jws.KeyIDKey] = key.KID
	}
	if key.Cert != nil {
		members[jws.X509CertThumbprintKey] = jose.Thumbprint1(key.Cert)
		members[jws.X509CertThumbprintS256Key] = jose.Thumbprint256(key.Cert)
	}
	if signer, ok := key.Key.(crypto.Signer); ok && key.Embed {
		if members[jws.JWKKey], err = jwk.FromRaw(signer.Public()); err != nil {
			return "", fmt.Errorf("encode the public key: %w", err)
		}
	}
	for name, value := range members {
		if err := headers.Set(name, value); err != nil {
			return "", fmt.Errorf("set the header %q: %w", name, err)
		}
	}
	payload, err := json.Marshal(claims)
	if err != nil {
		return "", fmt.Errorf("encode the claims: %w", err)
	}
	signed, err := jws.Sign(payload, jws.WithKey(jwa.SignatureAlgorithm(alg), key.Key, jws.WithProtectedHeaders(headers)))
	if err != nil {
		return "", fmt.Errorf("sign the assertion: %w", err)
	}
	return string(signed), nil
}

func (k SigningKey) algorithm() (string, error) {
	if secret, ok := k.Key.([]byte); ok {
		return chosen(k.Alg, jose.SecretAlgorithms(len(secret)), jose.CheckSecret(secret))
	}
	signer, ok := k.Key.(crypto.Signer)
	if !ok {
		return "", fmt.Errorf("the key cannot sign")
	}
	can := jose.AlgorithmsFor(signer.Public())
	if len(can) == 0 {
		return "", fmt.Errorf("the key is of a kind or size that cannot be used")
	}
	return chosen(k.Alg, can, nil)
}

// chosen returns the requested algorithm if the key supports it; "" is the first that the key
// supports.
func chosen(alg string, can []string, err error) (string, error) {
	switch {
	case err != nil:
		return "", err
	case alg == "":
		return can[0], nil
	case !slices.Contains(can, alg):
		return "", fmt.Errorf("the key cannot sign with %s: it can with %v", alg, can)
	}
	return alg, nil
}
