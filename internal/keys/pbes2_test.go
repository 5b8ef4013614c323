package keys_test

import (
	"crypto"
	"crypto/aes"
	"crypto/cipher"
	"crypto/elliptic"
	"crypto/pbkdf2"
	"crypto/sha256"
	"crypto/x509/pkix"
	"encoding/asn1"
	"math"
	"testing"

	"authserver/internal/keys"
)

// envelope is an encrypted key (RFC 5958 §3) with what openssl would not write.
type envelope struct {
	scheme, kdf, cipher asn1.ObjectIdentifier
	parameters          any // of the KDF
	iv                  any
	data                []byte
}

type (
	pbkdf2Java struct {
		Salt                  []byte
		Iterations, KeyLength int
		PRF                   pkix.AlgorithmIdentifier
	}
	pbkdf2Openssl struct {
		Salt       []byte
		Iterations int
		PRF        pkix.AlgorithmIdentifier
	}
	scryptParams struct {
		Salt    []byte
		N, R, P int
	}
)

func prf(last int) pkix.AlgorithmIdentifier {
	return pkix.AlgorithmIdentifier{Algorithm: asn1.ObjectIdentifier{1, 2, 840, 113549, 2, last}, Parameters: asn1.NullRawValue}
}

// seal encrypts a key as Java does: with the length of the key among the parameters.
func seal(t *testing.T, private crypto.Signer, passphrase string) envelope {
	t.Helper()
	salt, iv := []byte("eight or"), []byte("sixteen letters.")
	key, err := pbkdf2.Key(sha256.New, passphrase, salt, 1000, 32)
	if err != nil {
		t.Fatal(err)
	}
	block, err := aes.NewCipher(key)
	if err != nil {
		t.Fatal(err)
	}
	plain := pkcs8(t, private)
	padding := aes.BlockSize - len(plain)%aes.BlockSize
	for range padding {
		plain = append(plain, byte(padding))
	}
	cipher.NewCBCEncrypter(block, iv).CryptBlocks(plain, plain)
	return envelope{
		scheme: asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 5, 13}, kdf: asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 5, 12},
		cipher: asn1.ObjectIdentifier{2, 16, 840, 1, 101, 3, 4, 1, 42}, parameters: pbkdf2Java{salt, 1000, 32, prf(9)}, iv: iv, data: plain,
	}
}

func (e envelope) pem(t *testing.T) []byte {
	t.Helper()
	marshal := func(v any) asn1.RawValue {
		der, err := asn1.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		return asn1.RawValue{FullBytes: der}
	}
	return pemOf("ENCRYPTED PRIVATE KEY", marshal(struct {
		Algorithm pkix.AlgorithmIdentifier
		Data      []byte
	}{
		pkix.AlgorithmIdentifier{Algorithm: e.scheme, Parameters: marshal(struct{ KDF, Cipher pkix.AlgorithmIdentifier }{
			pkix.AlgorithmIdentifier{Algorithm: e.kdf, Parameters: marshal(e.parameters)},
			pkix.AlgorithmIdentifier{Algorithm: e.cipher, Parameters: marshal(e.iv)},
		})},
		e.data,
	}).FullBytes)
}

func TestAnEncryptedKeyIsReadAsJavaWritesIt(t *testing.T) {
	private := ecKey(t, elliptic.P256())
	m, err := keys.ParseMaterial(seal(t, private, "open sesame").pem(t), []byte("open sesame"))
	if err != nil {
		t.Fatal(err)
	}
	if !private.Equal(m.Private) {
		t.Error("it is another key")
	}
}

func TestAnEncryptedKeyIsBoundedAndChecked(t *testing.T) {
	scrypt := func(n, r, p int) func(*envelope) {
		return func(e *envelope) {
			e.kdf, e.parameters = asn1.ObjectIdentifier{1, 3, 6, 1, 4, 1, 11591, 4, 11}, scryptParams{[]byte("salt"), n, r, p}
		}
	}
	tests := []struct {
		name   string
		change func(*envelope)
		want   string
	}{
		{"iterations that take hours", func(e *envelope) { e.parameters = pbkdf2Openssl{nil, math.MaxInt, prf(9)} }, "iterations of PBKDF2, more than 5000000"},
		{"one iteration too many", func(e *envelope) { e.parameters = pbkdf2Openssl{nil, 5_000_001, prf(9)} }, "more than 5000000"},
		{"no iteration", func(e *envelope) { e.parameters = pbkdf2Openssl{nil, 0, prf(9)} }, "not those of PBKDF2"},
		{"less than no iteration", func(e *envelope) { e.parameters = pbkdf2Openssl{nil, -1, prf(9)} }, "not those of PBKDF2"},
		{"scrypt with a gigabyte (RFC 7914 section 13)", scrypt(1<<20, 8, 1), "N·r·p is above 2097152"},
		{"scrypt that takes hours", scrypt(1<<14, 8, math.MaxInt), "N·r·p is above 2097152"},
		{"scrypt whose product overflows", scrypt(1<<31, 1<<31, 4), "N·r·p is above"},
		{"scrypt with an N that is no power of two", scrypt(1000, 8, 1), "not those of scrypt"},
		{"scrypt with nothing", scrypt(0, 0, 0), "not those of scrypt"},
		{"scrypt with less than nothing", scrypt(1<<14, -8, -1), "not those of scrypt"},
		{"another function", func(e *envelope) { e.kdf = asn1.ObjectIdentifier{1, 2, 3} }, "only PBKDF2 and scrypt are read: `openssl"},
		{"another hash", func(e *envelope) { e.parameters = pbkdf2Openssl{nil, 1, prf(8)} }, "SHA-512 are read: `openssl"},
		{"another scheme", func(e *envelope) { e.scheme = asn1.ObjectIdentifier{1, 2, 3} }, "not with PBES2"},
		{"AES-GCM", func(e *envelope) { e.cipher = asn1.ObjectIdentifier{2, 16, 840, 1, 101, 3, 4, 1, 46} }, "only AES-CBC is read: `openssl"},
		{"an initialisation vector that is too short", func(e *envelope) { e.iv = []byte("short") }, "initialisation vector"},
		{"no initialisation vector", func(e *envelope) { e.iv = asn1.NullRawValue }, "initialisation vector"},
		{"parameters of another kind", func(e *envelope) { e.parameters = "text" }, "not those of PBKDF2"},
		{"data that is cut short", func(e *envelope) { e.data = e.data[1:] }, "it is cut short"},
		{"no data", func(e *envelope) { e.data = nil }, "it is cut short"},
		{"data that was changed", func(e *envelope) { e.data[len(e.data)-1] ^= 1 }, "the passphrase is wrong, or the encrypted key is damaged"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			e := seal(t, ecKey(t, elliptic.P256()), "open sesame")
			test.change(&e)
			refused(t, e.pem(t), "open sesame", test.want)
		})
	}
	refused(t, pemOf("ENCRYPTED PRIVATE KEY", []byte("x")), "open sesame", "not EncryptedPrivateKeyInfo")
}
