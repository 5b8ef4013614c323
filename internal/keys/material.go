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
	"errors"
	"fmt"

	"authserver/internal/keys/keyfiles"
)

// maxMaterial bounds a file, in bytes. An RSA key of 4096 bits with ten
// certificates takes a third of it.
const maxMaterial = 64 << 10

// Material is a private key that somebody brings, with the certificates that came
// with it.
type Material struct {
	Private      crypto.Signer
	Alg          string              // that a JWK names, and that fits the key; "" otherwise
	Certificates []*x509.Certificate // leaf first; nil: none came with it
}

// ParseMaterial reads a private key that an algorithm here is for: PEM of PKCS #1,
// SEC 1 or PKCS #8, encrypted (PBES2, RFC 8018) or not, with certificates beside it;
// PKCS #8 in DER; or a JWK (RFC 7517), of whose members "x5c" is taken as the
// certificates and "kid" is ignored. passphrase is nil for a key that is not
// encrypted. The certificates are not held to the key: see [CheckCertificates].
//
// An error says what was found instead, in words that follow the name of the file,
// and quotes neither the key nor the passphrase.
func ParseMaterial(data, passphrase []byte) (Material, error) {
	if len(data) > maxMaterial {
		return Material{}, fmt.Errorf("it is larger than %d KiB, which no key is", maxMaterial>>10)
	}
	data = bytes.TrimPrefix(data, []byte("\xef\xbb\xbf")) // as some editors begin a file
	text := bytes.TrimSpace(data)
	var m Material
	var err error
	switch {
	case len(text) == 0:
		return Material{}, errors.New("it is empty")
	case text[0] == '{':
		m, err = parseJWK(text, passphrase)
	case isDER(data):
		m.Private, err = parseDER(data, passphrase)
	case bytes.Contains(text, []byte("-----BEGIN ")):
		m, err = parsePEM(data, passphrase)
	default:
		return Material{}, keyfiles.Instead(data, keyfiles.PrivateKey)
	}
	if err != nil {
		return Material{}, err
	}
	if err := checkPrivate(m.Private); err != nil {
		return Material{}, err
	}
	return m, nil
}

// parsePEM reads one private key and the certificates beside it, in any order.
func parsePEM(data, passphrase []byte) (Material, error) {
	blocks, err := pemBlocks(data)
	if err != nil {
		return Material{}, err
	}
	var m Material
	for _, block := range blocks {
		switch block.Type {
		case "CERTIFICATE":
			certificate, err := block.certificate()
			if err != nil {
				return Material{}, err
			}
			m.Certificates = append(m.Certificates, certificate)
		case "EC PARAMETERS": // `openssl ecparam -genkey` puts them before the key, which has them too
		case "PRIVATE KEY", "ENCRYPTED PRIVATE KEY", "RSA PRIVATE KEY", "EC PRIVATE KEY":
			if m.Private != nil {
				return Material{}, fmt.Errorf("it holds a second private key, on line %d: leave one key in the file", block.line)
			}
			if m.Private, err = block.privateKey(passphrase); err != nil {
				return Material{}, err
			}
		default:
			return Material{}, fmt.Errorf("it holds %s, and a private key is wanted", keyfiles.Block(block.Type))
		}
	}
	if m.Private == nil {
		return Material{}, errors.New("it holds no private key")
	}
	return m, nil
}

func (b numberedBlock) privateKey(passphrase []byte) (crypto.Signer, error) {
	if b.Headers["Proc-Type"] != "" || b.Headers["DEK-Info"] != "" { // RFC 1421
		return nil, errors.New("the key is encrypted in the old way of PEM, which is weak: `openssl pkcs8 -topk8 -in FILE -out NEW` converts it")
	}
	der := b.Bytes
	encrypted := b.Type == "ENCRYPTED PRIVATE KEY"
	if err := checkPassphrase(encrypted, passphrase); err != nil {
		return nil, err
	}
	if encrypted {
		var err error
		if der, err = decryptPKCS8(der, passphrase); err != nil {
			return nil, err
		}
	}
	switch b.Type {
	case "RSA PRIVATE KEY":
		return parsePKCS1(der)
	case "EC PRIVATE KEY":
		return parseSEC1(der)
	}
	return parsePKCS8(der)
}

// checkPassphrase wants a passphrase where there is something to decrypt, and none
// elsewhere: who gives one believes that the file was encrypted.
func checkPassphrase(encrypted bool, passphrase []byte) error {
	if encrypted && len(passphrase) == 0 {
		return errors.New("the key is encrypted, and no passphrase was given")
	}
	if !encrypted && len(passphrase) > 0 {
		return errors.New("the key is not encrypted, but a passphrase was given: leave it out, or give the file that it is for")
	}
	return nil
}

// checkPrivate returns nil where an algorithm is for the key, and its private half
// belongs to its public one.
func checkPrivate(private crypto.Signer) error {
	if err := checkUsable(private.Public()); err != nil {
		return err
	}
	if !signs(private) {
		return errors.New("the key is damaged: its private half is not that of its public half")
	}
	return nil
}

// checkUsable returns nil where an algorithm is for the key.
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
		return fmt.Errorf("it is %s, which no algorithm here is for: wanted is an RSA key of %d to %d bits, an EC key on P-256 or P-384, or an Ed25519 key",
			kindOf(public), minRSABits, maxRSABits)
	}
	return nil
}

// signs reports whether what the private half signs verifies with the public half.
func signs(private crypto.Signer) bool {
	message := sha256.Sum256([]byte("a private key that somebody brings"))
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
