package keys

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/pbkdf2"
	"crypto/sha1" //nolint:gosec // G505: as HMAC, the default of PBKDF2 (RFC 8018 A.2), it is not broken
	"crypto/sha256"
	"crypto/sha512"
	"crypto/x509/pkix"
	"encoding/asn1"
	"errors"
	"fmt"
	"hash"

	"golang.org/x/crypto/scrypt"
)

// Bounds on the work that an encrypted key asks for before it is known whether
// the passphrase is right: some seconds, and 256 MiB.
const (
	maxIterations = 5_000_000 // of PBKDF2; openssl writes 2048, OWASP recommends 600,000
	maxScrypt     = 1 << 21   // N·r·p, each of 128 bytes; openssl writes 2^17
)

// The shapes of an encrypted key (RFC 5958 §3, RFC 8018 A.2 and A.4, RFC 7914 §7).
type (
	encryptedKey struct {
		Algorithm pkix.AlgorithmIdentifier
		Data      []byte
	}
	pbes2Params struct {
		KDF, Cipher pkix.AlgorithmIdentifier
	}
	pbkdf2Params struct {
		Salt       []byte
		Iterations int
		KeyLength  int                      `asn1:"optional"` // Java writes it
		PRF        pkix.AlgorithmIdentifier `asn1:"optional"`
	}
	scryptParams struct {
		Salt      []byte
		N, R, P   int
		KeyLength int `asn1:"optional"`
	}
)

const convertEncrypted = "`openssl pkcs8 -topk8 -v2 aes256 -in FILE -out NEW` encrypts it anew"

// decryptPKCS8 opens an encrypted PKCS #8 key (PBES2, RFC 8018 §6.2.2) and returns
// PKCS #8.
func decryptPKCS8(der, passphrase []byte) ([]byte, error) {
	var key encryptedKey
	if rest, err := asn1.Unmarshal(der, &key); err != nil || len(rest) > 0 {
		return nil, errors.New("the encrypted key is damaged: it is not EncryptedPrivateKeyInfo (RFC 5958)")
	}
	if key.Algorithm.Algorithm.String() != "1.2.840.113549.1.5.13" {
		return nil, errors.New("the key is encrypted in an old way, and not with PBES2 (RFC 8018): " + convertEncrypted)
	}
	var params pbes2Params
	if rest, err := asn1.Unmarshal(key.Algorithm.Parameters.FullBytes, &params); err != nil || len(rest) > 0 {
		return nil, errors.New("the encrypted key is damaged: its parameters are not those of PBES2 (RFC 8018)")
	}
	size, iv, err := aesCBC(params.Cipher)
	if err != nil {
		return nil, err
	}
	if len(key.Data) == 0 || len(key.Data)%aes.BlockSize != 0 {
		return nil, errors.New("the encrypted key is damaged: it is cut short")
	}
	secret, err := deriveKey(params.KDF, passphrase, size)
	if err != nil {
		return nil, err
	}
	block, err := aes.NewCipher(secret)
	if err != nil {
		return nil, fmt.Errorf("set up AES: %w", err)
	}
	plain := make([]byte, len(key.Data))
	cipher.NewCBCDecrypter(block, iv).CryptBlocks(plain, key.Data)
	return unpad(plain)
}

// unpad takes the padding away (RFC 8018 §6.1.1). What then is no PKCS #8 was
// opened with the wrong passphrase: nothing authenticates the text.
func unpad(plain []byte) ([]byte, error) {
	wrong := errors.New("the passphrase is wrong, or the encrypted key is damaged")
	n := int(plain[len(plain)-1])
	if n == 0 || n > aes.BlockSize {
		return nil, wrong
	}
	for _, b := range plain[len(plain)-n:] {
		if int(b) != n {
			return nil, wrong
		}
	}
	plain = plain[:len(plain)-n]
	var key pkcs8Key
	if _, err := asn1.Unmarshal(plain, &key); err != nil {
		return nil, wrong
	}
	return plain, nil
}

// aesCBC returns the size of the key, in bytes, and the initialisation vector.
func aesCBC(alg pkix.AlgorithmIdentifier) (size int, iv []byte, err error) {
	switch oid := alg.Algorithm.String(); oid { // RFC 3565 §4.1
	case "2.16.840.1.101.3.4.1.2":
		size = 16
	case "2.16.840.1.101.3.4.1.22":
		size = 24
	case "2.16.840.1.101.3.4.1.42":
		size = 32
	default:
		return 0, nil, fmt.Errorf("the key is encrypted with the cipher %s, and only AES-CBC is read: %s", oid, convertEncrypted)
	}
	if rest, err := asn1.Unmarshal(alg.Parameters.FullBytes, &iv); err != nil || len(rest) > 0 || len(iv) != aes.BlockSize {
		return 0, nil, errors.New("the encrypted key is damaged: its initialisation vector is not of 16 bytes")
	}
	return size, iv, nil
}

// deriveKey makes the key of that many bytes from the passphrase.
func deriveKey(alg pkix.AlgorithmIdentifier, passphrase []byte, size int) ([]byte, error) {
	switch oid := alg.Algorithm.String(); oid {
	case "1.2.840.113549.1.5.12":
		var p pbkdf2Params
		if rest, err := asn1.Unmarshal(alg.Parameters.FullBytes, &p); err != nil || len(rest) > 0 || p.Iterations < 1 {
			return nil, errors.New("the encrypted key is damaged: its parameters are not those of PBKDF2 (RFC 8018)")
		}
		if p.Iterations > maxIterations {
			return nil, fmt.Errorf("the key is encrypted with %d iterations of PBKDF2, more than %d, which takes too long: %s", p.Iterations, maxIterations, convertEncrypted)
		}
		h, err := hashOf(p.PRF)
		if err != nil {
			return nil, err
		}
		return pbkdf2.Key(h, string(passphrase), p.Salt, p.Iterations, size)
	case "1.3.6.1.4.1.11591.4.11":
		var p scryptParams
		if rest, err := asn1.Unmarshal(alg.Parameters.FullBytes, &p); err != nil || len(rest) > 0 || min(p.N, p.R, p.P) < 1 {
			return nil, errors.New("the encrypted key is damaged: its parameters are not those of scrypt (RFC 7914)")
		}
		// By division, so that no product overflows.
		if p.N > maxScrypt || p.R > maxScrypt/p.N || p.P > maxScrypt/p.N/p.R {
			return nil, fmt.Errorf("the key is encrypted with scrypt, and N·r·p is above %d, which takes too much time and memory: %s", maxScrypt, convertEncrypted)
		}
		secret, err := scrypt.Key(passphrase, p.Salt, p.N, p.R, p.P, size)
		if err != nil {
			return nil, errors.New("the encrypted key is damaged: its parameters are not those of scrypt (RFC 7914)")
		}
		return secret, nil
	default:
		return nil, fmt.Errorf("the key is encrypted under a passphrase by the function %s, and only PBKDF2 and scrypt are read: %s", oid, convertEncrypted)
	}
}

// hashOf returns the hash behind the HMAC of PBKDF2 (RFC 8018 B.1).
func hashOf(prf pkix.AlgorithmIdentifier) (func() hash.Hash, error) {
	switch oid := prf.Algorithm.String(); oid {
	case "", "1.2.840.113549.2.7":
		return sha1.New, nil
	case "1.2.840.113549.2.9":
		return sha256.New, nil
	case "1.2.840.113549.2.10":
		return sha512.New384, nil
	case "1.2.840.113549.2.11":
		return sha512.New, nil
	default:
		return nil, fmt.Errorf("the key is encrypted under a passphrase by PBKDF2 with the function %s, and only HMAC with SHA-1, SHA-256, SHA-384 and SHA-512 are read: %s", oid, convertEncrypted)
	}
}
