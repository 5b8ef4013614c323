package keys

import (
	"crypto"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"github.com/lestrrat-go/jwx/v2/jwk"
)

// parseJWK reads a private JWK (RFC 7517 §4, RFC 7518 §6, RFC 8037 §2).
func parseJWK(text, passphrase []byte) (Material, error) {
	// A map, because a struct would take "D" for "d".
	var members map[string]json.RawMessage
	if err := json.Unmarshal(text, &members); err != nil {
		return Material{}, errors.New("it begins like a JWK, but is not one JSON object") // the cause may quote the key
	}
	if err := checkMembers(members); err != nil {
		return Material{}, err
	}
	if err := checkPassphrase(false, passphrase); err != nil {
		return Material{}, err
	}
	private, err := privateOf(members)
	if err != nil {
		return Material{}, err
	}
	m := Material{Private: private}
	if m.Alg, err = textOf(members, "alg"); err != nil {
		return Material{}, err
	}
	if m.Alg != "" { // RFC 7517 §4.4
		if err := CheckPublicKey(m.Alg, private.Public()); err != nil {
			return Material{}, fmt.Errorf("the JWK's %q is wrong: %w", "alg", err)
		}
	}
	m.Certificates, err = certificatesOf(members)
	return m, err
}

// checkMembers returns nil where the members are those of one private key to sign
// with, and otherwise says what they are.
func checkMembers(members map[string]json.RawMessage) error {
	if _, set := members["keys"]; set { // RFC 7517 §5
		return errors.New(`it is a set of JWKs, and one key is wanted: take it out of "keys"`)
	}
	if _, sealed := members["ciphertext"]; sealed { // RFC 7517 §7
		return errors.New("it is an encrypted JWK, which is not read: decrypt it first")
	}
	kty, err := textOf(members, "kty")
	if err != nil {
		return err
	}
	switch kty {
	case "RSA", "EC", "OKP":
	case "oct":
		return errors.New("it is a JWK of a shared secret (kty oct), and a private key is wanted")
	case "":
		return errors.New(`it is JSON, but not a JWK: it has no "kty"`)
	default:
		return errors.New(`the JWK's "kty" is not known: RSA, EC and OKP are`)
	}
	if _, private := members["d"]; !private {
		return errors.New(`it is the JWK of a public key, and a private key is wanted: that has a "d"`)
	}
	if err := checkCurve(members); err != nil {
		return err
	}
	if _, more := members["oth"]; more { // RFC 7518 §6.3.2.7
		return errors.New("it is the JWK of an RSA key of more than two primes, and only those of two are taken")
	}
	use, err := textOf(members, "use")
	if err != nil {
		return err
	}
	if use != "" && use != "sig" { // RFC 7517 §4.2
		return errors.New(`the JWK is not for signatures: its "use" is not sig`)
	}
	if raw, ok := members["key_ops"]; ok { // RFC 7517 §4.3
		var operations []string
		if err := json.Unmarshal(raw, &operations); err != nil {
			return errors.New(`the JWK's "key_ops" is not a list of texts`)
		}
		if !slices.Contains(operations, "sign") {
			return errors.New(`the JWK is not for signing: its "key_ops" does not include sign`)
		}
	}
	return nil
}

func checkCurve(members map[string]json.RawMessage) error {
	crv, err := textOf(members, "crv")
	if err != nil {
		return err
	}
	switch crv {
	case "", "P-256", "P-384", "Ed25519": // RSA has none; where one is missing jwk says so
		return nil
	case "P-521", "secp256k1", "Ed448", "X25519", "X448":
		return fmt.Errorf("the JWK's curve %s is not supported: P-256, P-384 and Ed25519 are", crv)
	}
	return errors.New("the JWK's curve is not known: P-256, P-384 and Ed25519 are")
}

func textOf(members map[string]json.RawMessage, name string) (string, error) {
	raw, ok := members[name]
	if !ok {
		return "", nil
	}
	var text *string
	if err := json.Unmarshal(raw, &text); err != nil || text == nil {
		return "", fmt.Errorf("the JWK's %q is not a text", name)
	}
	return *text, nil
}

// privateOf reads the key itself, from its own members alone, so that nothing else
// in the JWK matters to it. Causes are left out: they may quote it.
func privateOf(members map[string]json.RawMessage) (crypto.Signer, error) {
	own := make(map[string]json.RawMessage)
	for _, name := range []string{"kty", "crv", "x", "y", "d", "n", "e", "p", "q"} {
		if raw, ok := members[name]; ok {
			own[name] = raw
		}
	}
	text, err := json.Marshal(own)
	if err != nil {
		return nil, errors.New("the JWK is damaged: it is not JSON")
	}
	key, err := jwk.ParseKey(text)
	if err != nil {
		return nil, errors.New("the JWK is damaged: a member is missing, is of another kind or is not base64url")
	}
	var raw any
	if err := key.Raw(&raw); err != nil {
		return nil, errors.New("the JWK is damaged: its members do not belong together")
	}
	switch private := raw.(type) {
	case *rsa.PrivateKey:
		return rebuildRSA(private)
	case crypto.Signer:
		return private, nil
	}
	return nil, errors.New("the JWK is of a key that cannot sign")
}

// rebuildRSA computes anew what a JWK says of a key beside its primes, and holds the
// rest together.
func rebuildRSA(k *rsa.PrivateKey) (crypto.Signer, error) {
	if err := checkRSA(&k.PublicKey); err != nil {
		return nil, err
	}
	private := &rsa.PrivateKey{PublicKey: k.PublicKey, D: k.D, Primes: k.Primes}
	private.Precompute()
	if err := private.Validate(); err != nil {
		return nil, errors.New(`the JWK is damaged: its RSA numbers do not belong together, or are not those of two primes "p" and "q"`)
	}
	return private, nil
}

// certificatesOf reads "x5c" (RFC 7517 §4.7): DER in base64, not base64url.
func certificatesOf(members map[string]json.RawMessage) ([]*x509.Certificate, error) {
	raw, ok := members["x5c"]
	if !ok {
		return nil, nil
	}
	var texts []string
	if err := json.Unmarshal(raw, &texts); err != nil {
		return nil, errors.New(`the JWK's "x5c" is not a list of texts`)
	}
	var chain []*x509.Certificate
	for i, text := range texts {
		der, err := base64.StdEncoding.DecodeString(text)
		if err != nil {
			return nil, fmt.Errorf(`certificate %d of the JWK's "x5c" is not base64`, i+1)
		}
		certificate, err := x509.ParseCertificate(der)
		if err != nil {
			return nil, fmt.Errorf(`certificate %d of the JWK's "x5c" is damaged: %w`, i+1, err)
		}
		chain = append(chain, certificate)
	}
	return chain, nil
}
