package keys_test

import (
	"bytes"
	"crypto"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"math/big"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"authserver/internal/keys"
)

// Making an RSA key takes long under the race detector, hence once for all tests.
var rsaKey = sync.OnceValue(func() *rsa.PrivateKey {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		panic(err)
	}
	return key
})

func pkcs8(t *testing.T, private crypto.Signer) []byte {
	t.Helper()
	der, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	return der
}

func pemOf(kind string, der []byte) []byte {
	return pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der})
}

// publicOf is what openssl says is the public half.
func (o openssl) publicOf(t *testing.T, name string) crypto.PublicKey {
	t.Helper()
	block, _ := pem.Decode(o.makes(t, "pkey -in "+name+" -pubout -out out"))
	public, err := x509.ParsePKIXPublicKey(block.Bytes)
	if err != nil {
		t.Fatal(err)
	}
	return public
}

func TestParseMaterialReadsWhatOpensslWrites(t *testing.T) {
	o := newOpenSSL(t)
	tests := []struct {
		name, key    string
		lines        []string // that make the file "out"
		passphrase   string
		certificates int
	}{
		{"RSA in PKCS #8", "rsa", []string{"pkcs8 -topk8 -nocrypt -in rsa -out out"}, "", 0},
		{"RSA in PKCS #1 (genrsa -traditional)", "rsa", []string{"rsa -in rsa -traditional -out out"}, "", 0},
		{"P-256 in PKCS #8", "p256", []string{"pkcs8 -topk8 -nocrypt -in p256 -out out"}, "", 0},
		{"P-256 in SEC 1", "p256", []string{"ec -in p256 -param_enc named_curve -out out"}, "", 0},
		{"P-384 in SEC 1", "p384", []string{"ec -in p384 -out out"}, "", 0},
		{"P-384 in SEC 1 without its public half", "p384", []string{"ec -in p384 -no_public -out out"}, "", 0},
		{"P-384 in PKCS #8", "p384", []string{"pkey -in p384 -out out"}, "", 0},
		{"Ed25519 in PKCS #8", "ed", []string{"pkey -in ed -out out"}, "", 0},
		{"PKCS #8 in DER", "p256", []string{"pkcs8 -topk8 -nocrypt -in p256 -outform DER -out out"}, "", 0},
		{"encrypted PKCS #8 in DER", "p384", []string{"pkcs8 -topk8 -in p384 -outform DER -passout pass:sesame -out out"}, "sesame", 0},
		{"encrypted with what openssl encrypts with", "rsa", []string{"pkcs8 -topk8 -in rsa -passout pass:sesame -out out"}, "sesame", 0},
		{"encrypted with AES-128 and HMAC-SHA-1", "p256", []string{"pkcs8 -topk8 -in p256 -v2 aes128 -v2prf hmacWithSHA1 -passout pass:sesame -out out"}, "sesame", 0},
		{"encrypted with AES-192 and HMAC-SHA-384", "p256", []string{"pkcs8 -topk8 -in p256 -v2 aes192 -v2prf hmacWithSHA384 -passout pass:sesame -out out"}, "sesame", 0},
		{"encrypted with AES-256 and HMAC-SHA-512", "ed", []string{"pkcs8 -topk8 -in ed -v2 aes256 -v2prf hmacWithSHA512 -passout pass:sesame -out out"}, "sesame", 0},
		{"encrypted with 600,000 iterations", "ed", []string{"pkcs8 -topk8 -in ed -iter 600000 -passout pass:sesame -out out"}, "sesame", 0},
		{"encrypted with scrypt", "p256", []string{"pkcs8 -topk8 -in p256 -scrypt -passout pass:sesame -out out"}, "sesame", 0},
		{"encrypted with scrypt at more cost", "p256", []string{"pkcs8 -topk8 -in p256 -scrypt -scrypt_N 4096 -scrypt_r 8 -scrypt_p 4 -passout pass:sesame -out out"}, "sesame", 0},
		{"encrypted under a passphrase of other letters", "ed", []string{"pkcs8 -topk8 -in ed -passout pass:Käse☃ -out out"}, "Käse☃", 0},
		{"out of a PKCS #12 store, with its attributes and certificate", "p256", []string{
			"pkcs12 -export -inkey p256 -in cert -name issuer -passout pass:store -out store", "pkcs12 -in store -passin pass:store -nodes -out out",
		}, "", 1},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			data := o.makes(t, test.lines...)
			m, err := keys.ParseMaterial(data, []byte(test.passphrase))
			if err != nil {
				t.Fatal(err)
			}
			if want := o.publicOf(t, test.key); !want.(interface{ Equal(crypto.PublicKey) bool }).Equal(m.Private.Public()) {
				t.Error("it is another key")
			}
			if m.Alg != "" || len(m.Certificates) != test.certificates {
				t.Errorf("alg %q and %d certificates, want none and %d", m.Alg, len(m.Certificates), test.certificates)
			}
		})
	}
}

func TestParseMaterialTakesCertificatesBesideTheKey(t *testing.T) {
	o := newOpenSSL(t)
	o.run(t, "x509 -in cert -text -out text")
	o.run(t, "ecparam -name prime256v1 -genkey -out params")
	windows := bytes.ReplaceAll(o.read(t, "p256", "cert"), []byte("\n"), []byte("\r\n"))
	tests := []struct {
		name string
		data []byte
		want int
	}{
		{"after it", o.read(t, "p256", "cert"), 1},
		{"before it", o.read(t, "cert", "p256"), 1},
		{"on both sides, with text", o.read(t, "text", "p256", "cert"), 2},
		{"none, but the parameters that ecparam puts before it", o.read(t, "params"), 0},
		{"in lines as Windows ends them", windows, 1},
		{"after a byte order mark", append([]byte("\xef\xbb\xbf"), windows...), 1},
		{"between empty lines", slices.Concat([]byte("\n\n"), o.read(t, "p256"), []byte("\n \n"), o.read(t, "cert"), []byte("\n\n")), 1},
		{"without a line break at the end", bytes.TrimSpace(o.read(t, "cert", "p256")), 1},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			m, err := keys.ParseMaterial(test.data, nil)
			if err != nil {
				t.Fatal(err)
			}
			if len(m.Certificates) != test.want {
				t.Errorf("%d certificates, want %d", len(m.Certificates), test.want)
			}
		})
	}
}

func TestParseMaterialSaysWhatOpensslWroteInstead(t *testing.T) {
	o := newOpenSSL(t)
	tests := []struct {
		name       string
		lines      []string
		passphrase string
		want       string
	}{
		{"a public key", []string{"pkey -in p256 -pubout -out out"}, "", "it holds a public key, and a private key is wanted"},
		{"an RSA public key in PKCS #1", []string{"rsa -in rsa -RSAPublicKey_out -out out"}, "", "it holds a public key"},
		{"a certificate alone", []string{"x509 -in cert -out out"}, "", "it holds no private key"},
		{"a request for a certificate", []string{"req -new -key p256 -subj /CN=x -out out"}, "", "a request for a certificate"},
		{"parameters alone", []string{"ecparam -name prime256v1 -out out"}, "", "it holds no private key"},
		{"an old encrypted RSA key (Proc-Type: 4,ENCRYPTED)", []string{"rsa -in rsa -traditional -aes256 -passout pass:sesame -out out"}, "sesame", "`openssl pkcs8 -topk8 -in FILE -out NEW` converts it"},
		{"an old encrypted EC key", []string{"ec -in p256 -aes128 -passout pass:sesame -out out"}, "", "encrypted in the old way of PEM"},
		{"an encrypted key without a passphrase", []string{"pkcs8 -topk8 -in p256 -passout pass:sesame -out out"}, "", "the key is encrypted, and no passphrase was given"},
		{"a passphrase for a key that is not encrypted", []string{"pkey -in p256 -out out"}, "sesame", "the key is not encrypted, but a passphrase was given"},
		{"an encrypted key in DER without a passphrase", []string{"pkcs8 -topk8 -in p256 -outform DER -passout pass:sesame -out out"}, "", "the key is encrypted, and no passphrase"},
		{"the wrong passphrase", []string{"pkcs8 -topk8 -in p256 -passout pass:sesame -out out"}, "Sesame", "the passphrase is wrong"},
		{"the wrong passphrase for scrypt", []string{"pkcs8 -topk8 -in p256 -scrypt -passout pass:sesame -out out"}, "sesame\n", "the passphrase is wrong"},
		{"3DES", []string{"pkcs8 -topk8 -in p256 -v2 des3 -passout pass:sesame -out out"}, "sesame", "only AES-CBC is read: `openssl pkcs8 -topk8 -v2 aes256"},
		{"PBES1", []string{"pkcs8 -topk8 -in p256 -v1 PBE-SHA1-3DES -passout pass:sesame -out out"}, "sesame", "not with PBES2 (RFC 8018)"},
		{"P-521", []string{"genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-521 -out out"}, "", "it is an EC key on P-521, which no algorithm here is for: wanted is an RSA key of 2048 to 4096 bits, an EC key on P-256 or P-384, or an Ed25519 key"},
		{"P-521, encrypted", []string{"genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-521 -aes256 -pass pass:sesame -out out"}, "sesame", "EC key on P-521"},
		{"P-224", []string{"genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-224 -out out"}, "", "EC key on P-224"},
		{"secp256k1", []string{"genpkey -algorithm EC -pkeyopt ec_paramgen_curve:secp256k1 -out out"}, "", "on secp256k1, which is not supported: P-256 and P-384 are"},
		{"secp256k1, encrypted", []string{"genpkey -algorithm EC -pkeyopt ec_paramgen_curve:secp256k1 -aes256 -pass pass:sesame -out out"}, "sesame", "on secp256k1"},
		{"secp256k1 in SEC 1", []string{"ecparam -name secp256k1 -genkey -noout -out out"}, "", "on secp256k1"},
		{"brainpool", []string{"ecparam -name brainpoolP256r1 -genkey -noout -out out"}, "", "on the curve 1.3.36.3.3.2.8.1.1.7, which is not supported"},
		{"a curve that is spelled out", []string{"ecparam -name prime256v1 -genkey -param_enc explicit -out out"}, "", "`openssl pkey -ec_param_enc named_curve"},
		{"a curve that is spelled out in PKCS #8", []string{"genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -pkeyopt ec_param_enc:explicit -out out"}, "", "the EC key spells its curve out"},
		{"Ed448", []string{"genpkey -algorithm ed448 -out out"}, "", "Ed448 key, which is not supported"},
		{"X25519", []string{"genpkey -algorithm x25519 -out out"}, "", "X25519 key, which is for agreeing on keys"},
		{"X448", []string{"genpkey -algorithm x448 -out out"}, "", "X448 key, which is for agreeing"},
		{"DSA", []string{"dsaparam -genkey -noout -out out 1024"}, "", "a DSA key, which no algorithm here is for"},
		{"RSA bound to PSS", []string{"genpkey -algorithm RSA-PSS -pkeyopt rsa_keygen_bits:2048 -out out"}, "", "bound to PSS"},
		{"RSA of 1024 bits", []string{"genrsa -out out 1024"}, "", "an RSA key of 1024 bits is too small: it must have 2048 to 4096"},
		{"RSA of 1024 bits in PKCS #1", []string{"genrsa -traditional -out out 1024"}, "", "1024 bits is too small"},
		{"RSA of 512 bits, encrypted", []string{"genrsa -aes256 -passout pass:sesame -out out 512"}, "sesame", "512 bits is too small"},
		{"RSA with the exponent 3", []string{"genrsa -3 -out out 2048"}, "", "public exponent 3 is unsafe"},
		{"RSA of three primes", []string{"genrsa -primes 3 -out out 2048"}, "", "an RSA key of 3 primes"},
		{"PKCS #1 in DER", []string{"rsa -in rsa -traditional -outform DER -out out"}, "", "`openssl pkey -in FILE -out NEW` converts"},
		{"a PKCS #12 store", []string{"pkcs12 -export -inkey p256 -in cert -passout pass:sesame -out out"}, "sesame", "`openssl pkcs12 -in FILE"},
		{"PKCS #7", []string{"crl2pkcs7 -nocrl -certfile cert -out out"}, "", "PKCS #7"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			refused(t, o.makes(t, test.lines...), test.passphrase, test.want)
		})
	}
}

// refused wants an error that says what was wrong and quotes nothing.
func refused(t *testing.T, data []byte, passphrase, want string) {
	t.Helper()
	m, err := keys.ParseMaterial(data, []byte(passphrase))
	if err == nil {
		t.Fatalf("it is taken, as a key for %v", keys.AlgorithmsFor(m.Private.Public()))
	}
	if !strings.Contains(err.Error(), want) {
		t.Errorf("ParseMaterial: %v, want an error that says %q", err, want)
	}
	if len(passphrase) > 0 && strings.Contains(strings.ReplaceAll(err.Error(), "passphrase", ""), passphrase) {
		t.Errorf("the error quotes the passphrase: %v", err)
	}
	const tell = 12 // letters of a key in a row
	for _, word := range regexp.MustCompile(`[A-Za-z0-9+/_-]{12,}`).FindAll(data, -1) {
		for i := range len(word) - tell + 1 {
			if part := string(word[i : i+tell]); strings.Contains(err.Error(), part) && strings.Trim(part, "-") != "" {
				t.Fatalf("the error quotes %q of the file: %v", part, err)
			}
		}
	}
}

func TestParseMaterialRefusesDamagedFiles(t *testing.T) {
	good := pemOf("PRIVATE KEY", pkcs8(t, ecKey(t, elliptic.P256())))
	ec := ecKey(t, elliptic.P256())
	sec1, err := x509.MarshalECPrivateKey(ec)
	if err != nil {
		t.Fatal(err)
	}
	scalar, err := ec.Bytes()
	if err != nil {
		t.Fatal(err)
	}
	lines := bytes.SplitAfter(good, []byte("\n"))
	numbers := func(change func(k *rsa.PrivateKey)) []byte {
		k := &rsa.PrivateKey{PublicKey: rsaKey().PublicKey, D: new(big.Int).Set(rsaKey().D), Primes: slices.Clone(rsaKey().Primes)}
		k.Precomputed.Dp, k.Precomputed.Dq, k.Precomputed.Qinv = rsaKey().Precomputed.Dp, rsaKey().Precomputed.Dq, rsaKey().Precomputed.Qinv
		change(k)
		return pemOf("RSA PRIVATE KEY", x509.MarshalPKCS1PrivateKey(k))
	}
	tests := []struct {
		name string
		data []byte
		want string
	}{
		{"nothing", nil, "it is empty"},
		{"blanks", []byte(" \n\t\n"), "it is empty"},
		{"some text", []byte("hunter2 hunter2 hunter2"), "it is not a private key in PEM or as a JWK"},
		{"text in UTF-16, as PowerShell writes", []byte("\xff\xfe-\x00-\x00-\x00"), "save it as UTF-8"},
		{"the base64 alone", bytes.Join(lines[1:len(lines)-2], nil), "it is not a private key in PEM or as a JWK"},
		{"more than a key can be", bytes.Repeat(good, 400), "larger than 64 KiB"},
		{"two keys", slices.Concat(good, pemOf("EC PRIVATE KEY", sec1)), "a second private key, on line 6: leave one"},
		{"the same key twice", slices.Concat(good, good), "a second private key"},
		{"garbage before the key", append([]byte("garbage\n"), good...), "outside of the PEM blocks, on line 1"},
		{"garbage after the key", append(bytes.Clone(good), "garbage"...), "outside of the PEM blocks, on line 6"},
		{"garbage between the blocks", slices.Concat(good, []byte("x\n"), pemOf("CERTIFICATE", nil)), "outside of the PEM blocks, on line 6"},
		{"a JWK after the key", append(bytes.Clone(good), `{"kty":"EC"}`...), "outside of the PEM blocks"},
		{"a key that is moved in, as YAML does", append([]byte("  "), bytes.ReplaceAll(good, []byte("\n"), []byte("\n  "))...), "outside of the PEM blocks"},
		{"a key whose line breaks became blanks", bytes.ReplaceAll(good, []byte("\n"), []byte(" ")), "line breaks were lost"},
		{"a key whose line breaks became backslashes", bytes.ReplaceAll(good, []byte("\n"), []byte(`\n`)), "line breaks were lost"},
		{"a key without its last line", bytes.Join(lines[:len(lines)-2], nil), "no line -----END"},
		{"a key without a line", slices.Concat(lines[0], lines[2], lines[3], lines[4]), "the private key is damaged"},
		{"a key with a letter that is not base64", bytes.Replace(good, lines[1][:1], []byte("!"), 1), "on line 1 is damaged"},
		{"an END of another type", bytes.Replace(good, []byte("END PRIVATE"), []byte("END PUBLIC"), 1), "is damaged"},
		{"a damaged block beside a good one", slices.Concat(pemOf("CERTIFICATE", []byte("x")), good), "the certificate on line 1 is damaged"},
		{"an empty block", pemOf("PRIVATE KEY", nil), "the private key is damaged"},
		{"PKCS #8 under the name of PKCS #1", pemOf("RSA PRIVATE KEY", pkcs8(t, rsaKey())), "the RSA key is damaged"},
		{"PKCS #8 under the name of SEC 1", pemOf("EC PRIVATE KEY", pkcs8(t, ec)), "not SEC 1"},
		{"SEC 1 under the name of PKCS #8", pemOf("PRIVATE KEY", sec1), "it is not PKCS #8"},
		{"something after the key in its block", pemOf("PRIVATE KEY", append(pkcs8(t, ec), 0)), "something stands after it"},
		{"something after the key in DER", append(pkcs8(t, ec), 0), "something stands after it"},
		{"a key in DER that breaks off", pkcs8(t, rsaKey())[:600], "it is DER that is cut short"},
		{"a key of OpenSSH", pemOf("OPENSSH PRIVATE KEY", []byte("x")), "ssh-keygen -p -m PKCS8"},
		{"a block of another type", pemOf("PGP MESSAGE", []byte("x")), `of the type "PGP MESSAGE"`},
		{"a block whose type is the key", pemOf("PRIVATE KEY-----MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQg", []byte("x")), "a PEM block of an unknown type"},
		{"an RSA key with another private exponent", numbers(func(k *rsa.PrivateKey) { k.D.Add(k.D, big.NewInt(2)) }), "do not belong together"},
		{"an RSA key with another prime", numbers(func(k *rsa.PrivateKey) { k.Primes[0] = new(big.Int).Add(k.Primes[0], big.NewInt(2)) }), "do not belong together"},
		{"an RSA key with another modulus", numbers(func(k *rsa.PrivateKey) { k.N = new(big.Int).Add(k.N, big.NewInt(2)) }), "do not belong together"},
		{"an RSA key with another exponent", numbers(func(k *rsa.PrivateKey) { k.E = 65539 }), "do not belong together"},
		{"an RSA key of 4097 bits", numbers(func(k *rsa.PrivateKey) { k.N = publicRSA(4097, 65537).N }), "4097 bits is too large: it must have 2048 to 4096"},
		{"an RSA key of 100,000 bits", numbers(func(k *rsa.PrivateKey) { k.N = publicRSA(100_000, 65537).N }), "100000 bits is too large"},
		{"an EC key beyond the order of its curve", pemOf("EC PRIVATE KEY", bytes.Replace(sec1, scalar, bytes.Repeat([]byte{255}, 32), 1)), "the EC key is damaged"},
		{"an EC key that is zero", pemOf("EC PRIVATE KEY", bytes.Replace(sec1, scalar, make([]byte, 32), 1)), "the EC key is damaged"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) { refused(t, test.data, "", test.want) })
	}
}

func TestParseMaterialReadsWhatGoWrites(t *testing.T) {
	for _, alg := range keys.Algorithms() {
		private := generate(t, alg)
		m, err := keys.ParseMaterial(pemOf("PRIVATE KEY", pkcs8(t, private)), nil)
		if err != nil {
			t.Errorf("%s: %v", alg, err)
			continue
		}
		if diff := cmp.Diff(pkcs8(t, private), pkcs8(t, m.Private)); diff != "" {
			t.Errorf("%s: it is another key: %s", alg, diff)
		}
	}
}
