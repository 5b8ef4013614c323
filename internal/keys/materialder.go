package keys

import (
	"crypto"
	"crypto/ecdh"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"errors"
	"fmt"
	"math/big"

	"authserver/internal/keys/keyfiles"
)

// The shapes of a private key (RFC 5958 §2, RFC 5915 §3, RFC 8017 A.1.2), as far as
// is needed to say why one cannot be read.
type (
	pkcs8Key struct {
		Version    int
		Algorithm  pkix.AlgorithmIdentifier
		PrivateKey []byte
		// attributes and the public key may follow
	}
	pkcs1Key struct {
		Version int
		N       *big.Int
		E       int
		// the private numbers follow
	}
	sec1Key struct {
		Version    int
		PrivateKey []byte
		Parameters asn1.RawValue `asn1:"optional"` // within [0]
		// the public key may follow
	}
)

const oidRSA = "1.2.840.113549.1.1.1"

const damagedKey = "the private key is damaged: copy or export it again"

// isDER reports whether the data is one ASN.1 SEQUENCE, or begins with one that is
// too long to be text.
func isDER(data []byte) bool {
	const sequence = 0x30 // which is the digit 0 in text
	if len(data) < 2 || data[0] != sequence {
		return false
	}
	var value asn1.RawValue
	_, err := asn1.Unmarshal(data, &value)
	return err == nil || data[1] >= 0x80
}

// parseDER reads PKCS #8 in DER, encrypted or not. Of other forms it says how to
// convert them.
func parseDER(der, passphrase []byte) (crypto.Signer, error) {
	var plain pkcs8Key
	var sealed encryptedKey
	_, notPlain := asn1.Unmarshal(der, &plain)
	_, notSealed := asn1.Unmarshal(der, &sealed)
	if notPlain != nil && notSealed != nil {
		return nil, keyfiles.Instead(der, keyfiles.PrivateKey)
	}
	if err := checkPassphrase(notPlain != nil, passphrase); err != nil {
		return nil, err
	}
	if notPlain != nil {
		var err error
		if der, err = decryptPKCS8(der, passphrase); err != nil {
			return nil, err
		}
	}
	return parsePKCS8(der)
}

func parsePKCS8(der []byte) (crypto.Signer, error) {
	var shape pkcs8Key
	rest, err := asn1.Unmarshal(der, &shape)
	if err != nil {
		return nil, errors.New(damagedKey + " (it is not PKCS #8)")
	}
	if len(rest) > 0 { // which x509 passes over
		return nil, errors.New(damagedKey + " (something stands after it)")
	}
	if shape.Algorithm.Algorithm.String() == oidRSA {
		return parsePKCS1(shape.PrivateKey)
	}
	parsed, err := x509.ParsePKCS8PrivateKey(der)
	if err != nil { // the cause may quote the key
		return nil, unreadable(shape.Algorithm)
	}
	switch key := parsed.(type) {
	case crypto.Signer:
		return key, nil
	case *ecdh.PrivateKey:
		return nil, errors.New("it is an X25519 key, which is for agreeing on keys and cannot sign: an Ed25519 key can")
	}
	return nil, fmt.Errorf("it is a key of type %T, which cannot sign", parsed)
}

func parsePKCS1(der []byte) (crypto.Signer, error) {
	damaged := errors.New("the RSA key is damaged: its numbers do not belong together, or it is not PKCS #1")
	var shape pkcs1Key
	if _, err := asn1.Unmarshal(der, &shape); err != nil {
		return nil, damaged
	}
	// Before the numbers are held together, which takes long for large ones.
	if err := checkRSA(&rsa.PublicKey{N: shape.N, E: shape.E}); err != nil {
		return nil, err
	}
	key, err := x509.ParsePKCS1PrivateKey(der) // which refuses what stands after it
	if err != nil {
		return nil, damaged
	}
	if len(key.Primes) != 2 { // RFC 7518 §6.3.2.7 leaves others to those who know of them
		return nil, fmt.Errorf("it is an RSA key of %d primes, and only those of two are taken", len(key.Primes))
	}
	return key, nil
}

func parseSEC1(der []byte) (crypto.Signer, error) {
	var shape sec1Key
	rest, err := asn1.Unmarshal(der, &shape)
	if err != nil || len(rest) > 0 {
		return nil, errors.New("the EC key is damaged: it is not SEC 1 (RFC 5915)")
	}
	key, err := x509.ParseECPrivateKey(der)
	if err != nil {
		var parameters asn1.RawValue
		if _, err := asn1.Unmarshal(shape.Parameters.Bytes, &parameters); err != nil || shape.Parameters.Tag != 0 {
			return nil, errors.New("the EC key does not name its curve")
		}
		return nil, unreadableCurve(parameters)
	}
	return key, nil
}

// unreadable says why a key of this algorithm could not be read.
func unreadable(alg pkix.AlgorithmIdentifier) error {
	switch oid := alg.Algorithm.String(); oid {
	case "1.2.840.113549.1.1.10":
		return errors.New("it is an RSA key that is bound to PSS (id-RSASSA-PSS), which is not read: make a plain RSA key, which PS256 is for too")
	case "1.2.840.10045.2.1":
		return unreadableCurve(alg.Parameters)
	case "1.2.840.10040.4.1":
		return errors.New("it is a DSA key, which no algorithm here is for")
	case "1.3.101.111":
		return errors.New("it is an X448 key, which is for agreeing on keys and cannot sign")
	case "1.3.101.112", "1.3.101.110":
		return errors.New(damagedKey)
	case "1.3.101.113":
		return errors.New("it is an Ed448 key, which is not supported: of EdDSA only Ed25519 is")
	default:
		return fmt.Errorf("it is a key of an algorithm that is not supported, with the object identifier %s", oid)
	}
}

func unreadableCurve(parameters asn1.RawValue) error {
	const wanted = "P-256 and P-384 are"
	if parameters.Tag == asn1.TagSequence {
		return errors.New("the EC key spells its curve out: `openssl pkey -ec_param_enc named_curve -in FILE -out NEW` has it named instead")
	}
	var oid asn1.ObjectIdentifier
	if _, err := asn1.Unmarshal(parameters.FullBytes, &oid); err != nil {
		return errors.New("the EC key does not name its curve")
	}
	switch name := oid.String(); name {
	case "1.3.132.0.33", "1.2.840.10045.3.1.7", "1.3.132.0.34", "1.3.132.0.35":
		return errors.New("the EC key is damaged: copy or export it again")
	case "1.3.132.0.10":
		return errors.New("it is an EC key on secp256k1, which is not supported: " + wanted)
	default:
		return fmt.Errorf("it is an EC key on the curve %s, which is not supported: %s", name, wanted)
	}
}
