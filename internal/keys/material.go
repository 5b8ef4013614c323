package keys

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"github.com/lestrrat-go/jwx/v2/jwk"

	"authserver/internal/keys/keyfiles"
)

// Material is a private key that the operator imports, with its certificates.
type Material struct {
	Private      crypto.Signer
	Alg          string              // that a JWK names, and that fits the key; "" otherwise
	Certificates []*x509.Certificate // leaf first; nil: none
}

// The supported kinds of key, for errors.
const taken = "supported are RSA keys of 2048 to 4096 bits, EC keys on P-256 or P-384, and Ed25519 keys"

// ParseMaterial reads a private key of a supported kind: PEM of PKCS #1, SEC 1 or PKCS #8, which
// may also contain certificates; PKCS #8 in DER; or a JWK (RFC 7517), of which it reads "x5c" as
// the certificates and ignores "kid". It does not check that the certificates belong to the key:
// see [CheckCertificates]. An error says what was found instead, as a phrase after the name of the
// file, and quotes nothing of it.
func ParseMaterial(data []byte) (Material, error) {
	if err := keyfiles.Check(data, keyfiles.PrivateKey); err != nil {
		return Material{}, err
	}
	data, err := keyfiles.Text(data)
	if err != nil {
		return Material{}, err
	}
	var m Material
	switch text := bytes.TrimSpace(data); {
	case bytes.HasPrefix(text, []byte("{")):
		m, err = parseJWK(text)
	case bytes.Contains(text, []byte("-----BEGIN ")):
		m, err = parsePEM(data)
	default:
		if m.Private, err = parseKey("PRIVATE KEY", data); err != nil {
			err = keyfiles.Instead(data, keyfiles.PrivateKey)
		}
	}
	if err != nil {
		return Material{}, err
	}
	return m, checkPrivate(m.Private)
}

// parsePEM reads one private key and the certificates in the same file, in any order.
func parsePEM(data []byte) (Material, error) {
	blocks, err := keyfiles.Blocks(data)
	if err != nil {
		return Material{}, err
	}
	var m Material
	for _, block := range blocks {
		switch block.Type {
		case "CERTIFICATE":
			certificate, err := x509.ParseCertificate(block.Bytes)
			if err != nil {
				return Material{}, fmt.Errorf("a certificate in it is damaged: %w", err)
			}
			m.Certificates = append(m.Certificates, certificate)
		case "EC PARAMETERS": // `openssl ecparam -genkey` puts them before the key, which has them too
		case "PRIVATE KEY", "RSA PRIVATE KEY", "EC PRIVATE KEY":
			if m.Private != nil {
				return Material{}, errors.New("it holds a second private key: leave one key in the file")
			}
			if m.Private, err = parseKey(block.Type, block.Bytes); err != nil {
				return Material{}, err
			}
		default:
			return Material{}, fmt.Errorf("it holds %s, and a private key in PKCS #8, PKCS #1 or SEC 1 is wanted", keyfiles.Block(block.Type))
		}
	}
	if m.Private == nil {
		return Material{}, errors.New("it holds no private key")
	}
	return m, nil
}

// parseKey reads the DER of a PEM block of a type. Errors leave out their causes, which may quote
// it.
func parseKey(kind string, der []byte) (crypto.Signer, error) {
	var parsed any
	var err error
	switch kind {
	case "RSA PRIVATE KEY":
		parsed, err = x509.ParsePKCS1PrivateKey(der)
	case "EC PRIVATE KEY":
		parsed, err = x509.ParseECPrivateKey(der)
	default:
		parsed, err = x509.ParsePKCS8PrivateKey(der)
	}
	if err != nil {
		return nil, errors.New("the private key is damaged, or of a kind or form that is not read: `openssl pkcs8 -topk8 -nocrypt -in FILE -out NEW` writes it in the usual form; " + taken)
	}
	private, ok := parsed.(crypto.Signer)
	if !ok {
		return nil, errors.New("it is a key that cannot sign: " + taken)
	}
	return private, nil
}

// parseJWK reads a private JWK (RFC 7517 §4, RFC 7518 §6, RFC 8037 §2).
func parseJWK(text []byte) (Material, error) {
	if !json.Valid(text) { // jwk ignores what follows it
		return Material{}, errors.New("it begins like a JWK, but is not one JSON object")
	}
	key, err := jwk.ParseKey(text)
	if err != nil { // the cause may quote the key, here and below
		return Material{}, errors.New("the JWK is damaged: a member is missing, is of another kind or is not base64url, or its curve is not known; " + taken)
	}
	if use := key.KeyUsage(); use != "" && use != "sig" { // RFC 7517 §4.2
		return Material{}, errors.New(`the JWK is not for signatures: its "use" is not sig`)
	}
	if _, set := key.Get(jwk.KeyOpsKey); set && !slices.Contains(key.KeyOps(), jwk.KeyOpSign) { // RFC 7517 §4.3
		return Material{}, errors.New(`the JWK is not for signing: its "key_ops" does not include sign`)
	}
	private, err := privateOf(key)
	if err != nil {
		return Material{}, err
	}
	m := Material{Private: private, Alg: key.Algorithm().String()}
	if m.Alg != "" { // RFC 7517 §4.4
		if err := CheckPublicKey(m.Alg, private.Public()); err != nil {
			return Material{}, fmt.Errorf("the JWK's %q is wrong: %w", "alg", err)
		}
	}
	m.Certificates, err = certificatesOf(key)
	return m, err
}

// privateOf reads the key itself. It uses only the primes of an RSA key in a JWK, and computes the
// rest.
func privateOf(key jwk.Key) (crypto.Signer, error) {
	var raw any
	if err := key.Raw(&raw); err != nil {
		return nil, errors.New("the JWK is damaged: its members do not belong together, or its curve is not known; " + taken)
	}
	if k, ok := raw.(*rsa.PrivateKey); ok {
		if err := checkRSA(&k.PublicKey); err != nil { // before the slow checks of a large key
			return nil, err
		}
		private := &rsa.PrivateKey{PublicKey: k.PublicKey, D: k.D, Primes: k.Primes}
		private.Precompute()
		if err := private.Validate(); err != nil {
			return nil, errors.New(`the JWK is damaged: its RSA numbers do not belong together, or are not those of two primes "p" and "q"`)
		}
		return private, nil
	}
	private, ok := raw.(crypto.Signer)
	if !ok {
		return nil, errors.New("the JWK is of a key that cannot sign: " + taken)
	}
	return private, nil
}

// certificatesOf reads "x5c" (RFC 7517 §4.7): DER in base64, not base64url.
func certificatesOf(key jwk.Key) ([]*x509.Certificate, error) {
	chain := key.X509CertChain()
	if chain == nil {
		return nil, nil
	}
	var found []*x509.Certificate
	for i := range chain.Len() {
		text, _ := chain.Get(i)
		der, err := base64.StdEncoding.DecodeString(string(text))
		if err != nil {
			return nil, fmt.Errorf(`certificate %d of the JWK's "x5c" is not base64`, i+1)
		}
		certificate, err := x509.ParseCertificate(der)
		if err != nil {
			return nil, fmt.Errorf(`certificate %d of the JWK's "x5c" is damaged: %w`, i+1, err)
		}
		found = append(found, certificate)
	}
	return found, nil
}

// checkPrivate returns nil if an algorithm supports the key, and its private half belongs to its
// public half.
func checkPrivate(private crypto.Signer) error {
	if err := checkUsable(private.Public()); err != nil {
		return err
	}
	if key, ok := private.(*rsa.PrivateKey); ok && len(key.Primes) != 2 { // RFC 7518 §6.3.2.7 leaves other primes to software that supports them
		return fmt.Errorf("it is an RSA key of %d primes, and only two are supported", len(key.Primes))
	}
	if !signs(private) {
		return errors.New("the key is damaged: its private half is not that of its public half")
	}
	return nil
}

// checkUsable returns nil if an algorithm supports the key.
func checkUsable(public crypto.PublicKey) error {
	var err error
	switch key := public.(type) {
	case *rsa.PublicKey:
		err = checkRSA(key)
	case *ecdsa.PublicKey:
		if key.Curve == elliptic.P256() || key.Curve == elliptic.P384() {
			err = checkPoint(key)
		}
	}
	if err != nil {
		return err
	}
	if len(AlgorithmsFor(public)) == 0 {
		return fmt.Errorf("it is %s, which no algorithm supports: use an RSA key of %d to %d bits, an EC key on P-256 or P-384, or an Ed25519 key",
			kindOf(public), minRSABits, maxRSABits)
	}
	return nil
}

// signs reports whether a signature of the private half verifies with the public half.
func signs(private crypto.Signer) bool {
	message := sha256.Sum256([]byte("a private key that is imported"))
	opts := crypto.SignerOpts(crypto.SHA256)
	if _, whole := private.Public().(ed25519.PublicKey); whole { // it hashes by itself
		opts = crypto.Hash(0)
	}
	signature, err := private.Sign(rand.Reader, message[:], opts)
	if err != nil {
		return false
	}
	switch public := private.Public().(type) {
	case *rsa.PublicKey:
		return rsa.VerifyPKCS1v15(public, crypto.SHA256, message[:], signature) == nil
	case *ecdsa.PublicKey:
		return ecdsa.VerifyASN1(public, message[:], signature)
	case ed25519.PublicKey:
		return ed25519.Verify(public, message[:], signature)
	}
	return false
}
