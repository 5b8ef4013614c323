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

// Making an RSA key takes long under the race detector, so all tests share one.
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

// publicOf returns the public half according to openssl.
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
		certificates int
	}{
		{"RSA in PKCS #8", "rsa", []string{"pkcs8 -topk8 -nocrypt -in rsa -out out"}, 0},
		{"RSA in PKCS #1 (genrsa -traditional)", "rsa", []string{"rsa -in rsa -traditional -out out"}, 0},
		{"P-256 in PKCS #8", "p256", []string{"pkcs8 -topk8 -nocrypt -in p256 -out out"}, 0},
		{"P-256 in SEC 1", "p256", []string{"ec -in p256 -param_enc named_curve -out out"}, 0},
		{"P-384 in SEC 1", "p384", []string{"ec -in p384 -out out"}, 0},
		{"P-384 in SEC 1 without its public half", "p384", []string{"ec -in p384 -no_public -out out"}, 0},
		{"P-384 in PKCS #8", "p384", []string{"pkey -in p384 -out out"}, 0},
		{"Ed25519 in PKCS #8", "ed", []string{"pkey -in ed -out out"}, 0},
		{"PKCS #8 in DER", "p256", []string{"pkcs8 -topk8 -nocrypt -in p256 -outform DER -out out"}, 0},
		{"out of a PKCS #12 store, with its attributes and certificate", "p256", []string{
			"pkcs12 -export -inkey p256 -in cert -name issuer -passout pass:store -out store", "pkcs12 -in store -passin pass:store -nodes -out out",
		}, 1},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			data := o.makes(t, test.lines...)
			m, err := keys.ParseMaterial(data)
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
			m, err := keys.ParseMaterial(test.data)
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
	const (
		decrypts   = "`openssl pkcs8 -topk8 -nocrypt -in FILE -out NEW` asks for its passphrase"
		unreadable = "`openssl pkcs8 -topk8 -nocrypt -in FILE -out NEW` writes it in the usual form; supported are RSA keys"
	)
	tests := []struct {
		name  string
		lines []string
		want  string
	}{
		{"a public key", []string{"pkey -in p256 -pubout -out out"}, "it is a public key in PEM, and a private key"},
		{"an RSA public key in PKCS #1", []string{"rsa -in rsa -RSAPublicKey_out -out out"}, "it is a public key"},
		{"a certificate alone", []string{"x509 -in cert -out out"}, "it is a certificate in PEM"},
		{"a request for a certificate", []string{"req -new -key p256 -subj /CN=x -out out"}, "a request for a certificate"},
		{"parameters alone", []string{"ecparam -name prime256v1 -out out"}, "it holds no private key"},
		{"an encrypted key", []string{"pkcs8 -topk8 -in p256 -passout pass:sesame -out out"}, decrypts},
		{"an encrypted key in DER", []string{"pkcs8 -topk8 -in p256 -outform DER -passout pass:sesame -out out"}, decrypts},
		{"an old encrypted RSA key (Proc-Type: 4,ENCRYPTED)", []string{"rsa -in rsa -traditional -aes256 -passout pass:sesame -out out"}, decrypts},
		{"an old encrypted EC key", []string{"ec -in p256 -aes128 -passout pass:sesame -out out"}, decrypts},
		{"P-521", []string{"genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-521 -out out"}, "it is an EC key on P-521, which no algorithm supports: use an RSA key of 2048 to 4096 bits, an EC key on P-256 or P-384, or an Ed25519 key"},
		{"P-224", []string{"genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-224 -out out"}, "EC key on P-224"},
		{"secp256k1", []string{"genpkey -algorithm EC -pkeyopt ec_paramgen_curve:secp256k1 -out out"}, unreadable},
		{"secp256k1 in SEC 1", []string{"ecparam -name secp256k1 -genkey -noout -out out"}, unreadable},
		{"brainpool", []string{"ecparam -name brainpoolP256r1 -genkey -noout -out out"}, unreadable},
		{"a curve that is spelled out", []string{"ecparam -name prime256v1 -genkey -param_enc explicit -out out"}, unreadable},
		{"Ed448", []string{"genpkey -algorithm ed448 -out out"}, unreadable},
		{"X25519", []string{"genpkey -algorithm x25519 -out out"}, "it is a key that cannot sign"},
		{"DSA", []string{"dsaparam -genkey -noout -out out 1024"}, unreadable},
		{"RSA bound to PSS", []string{"genpkey -algorithm RSA-PSS -pkeyopt rsa_keygen_bits:2048 -out out"}, unreadable},
		{"RSA of 1024 bits", []string{"genrsa -out out 1024"}, "an RSA key of 1024 bits is too small: it must have 2048 to 4096"},
		{"RSA of 1024 bits in PKCS #1", []string{"genrsa -traditional -out out 1024"}, "1024 bits is too small"},
		{"RSA with the exponent 3", []string{"genrsa -3 -out out 2048"}, "public exponent 3 is unsafe"},
		{"RSA of three primes", []string{"genrsa -primes 3 -out out 2048"}, "an RSA key of 3 primes"},
		{"PKCS #1 in DER", []string{"rsa -in rsa -traditional -outform DER -out out"}, "`openssl pkcs8 -topk8 -nocrypt -in FILE -out NEW` converts"},
		{"a PKCS #12 store", []string{"pkcs12 -export -inkey p256 -in cert -passout pass:sesame -out out"}, "`openssl pkcs12 -in FILE"},
		{"PKCS #7", []string{"crl2pkcs7 -nocrl -certfile cert -out out"}, "PKCS #7"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) { refused(t, o.makes(t, test.lines...), test.want) })
	}
}

// refused requires an error that says what was wrong and quotes nothing.
func refused(t *testing.T, data []byte, want string) {
	t.Helper()
	m, err := keys.ParseMaterial(data)
	if err == nil {
		t.Fatalf("it is taken, as a key for %v", keys.AlgorithmsFor(m.Private.Public()))
	}
	if !strings.Contains(err.Error(), want) {
		t.Errorf("ParseMaterial: %v, want an error that says %q", err, want)
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
		{"two keys", slices.Concat(good, pemOf("EC PRIVATE KEY", sec1)), "a second private key: leave one"},
		{"the same key twice", slices.Concat(good, good), "a second private key"},
		{"a key whose line breaks became blanks", bytes.ReplaceAll(good, []byte("\n"), []byte(" ")), "PEM that is cut short or damaged"},
		{"a key whose line breaks became backslashes", bytes.ReplaceAll(good, []byte("\n"), []byte(`\n`)), "PEM that is cut short or damaged"},
		{"a key without its last line", bytes.Join(lines[:len(lines)-2], nil), "PEM that is cut short or damaged"},
		{"a key without a line", slices.Concat(lines[0], lines[2], lines[3], lines[4]), "the private key is damaged"},
		{"a key with a letter that is not base64", bytes.Replace(good, lines[1][:1], []byte("!"), 1), "PEM that is cut short or damaged"},
		{"an END of another type", bytes.Replace(good, []byte("END PRIVATE"), []byte("END PUBLIC"), 1), "PEM that is cut short or damaged"},
		{"a damaged block before a good one", slices.Concat(lines[0], []byte("!\n"), lines[len(lines)-2], good), "a PEM block in it is damaged"},
		{"a damaged certificate beside a good one", slices.Concat(pemOf("CERTIFICATE", []byte("x")), good), "a certificate in it is damaged"},
		{"an empty block", pemOf("PRIVATE KEY", nil), "the private key is damaged"},
		{"PKCS #8 under the name of PKCS #1", pemOf("RSA PRIVATE KEY", pkcs8(t, rsaKey())), "the private key is damaged"},
		{"PKCS #8 under the name of SEC 1", pemOf("EC PRIVATE KEY", pkcs8(t, ec)), "the private key is damaged"},
		{"SEC 1 under the name of PKCS #8", pemOf("PRIVATE KEY", sec1), "the private key is damaged"},
		{"a key in DER that breaks off", pkcs8(t, rsaKey())[:600], "it is DER that is cut short"},
		{"a key of OpenSSH", pemOf("OPENSSH PRIVATE KEY", []byte("x")), "ssh-keygen -p -m PKCS8"},
		{"a block of another type beside it", append(pemOf("X MESSAGE", []byte("x")), good...), `of the type "X MESSAGE"`},
		{"a block whose type is the key", pemOf("PRIVATE KEY-----MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQg", []byte("x")), "PEM"},
		{"an RSA key with another private exponent", numbers(func(k *rsa.PrivateKey) { k.D.Add(k.D, big.NewInt(2)) }), "the private key is damaged"},
		{"an RSA key with another prime", numbers(func(k *rsa.PrivateKey) { k.Primes[0] = new(big.Int).Add(k.Primes[0], big.NewInt(2)) }), "the private key is damaged"},
		{"an RSA key with another modulus", numbers(func(k *rsa.PrivateKey) { k.N = new(big.Int).Add(k.N, big.NewInt(2)) }), "the private key is damaged"},
		{"an RSA key with another exponent", numbers(func(k *rsa.PrivateKey) { k.E = 65539 }), "the private key is damaged"},
		{"an RSA key of 4097 bits", numbers(func(k *rsa.PrivateKey) { k.N = publicRSA(4097, 65537).N }), "the private key is damaged"},
		{"an EC key beyond the order of its curve", pemOf("EC PRIVATE KEY", bytes.Replace(sec1, scalar, bytes.Repeat([]byte{255}, 32), 1)), "the private key is damaged"},
		{"an EC key that is zero", pemOf("EC PRIVATE KEY", bytes.Replace(sec1, scalar, make([]byte, 32), 1)), "the private key is damaged"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) { refused(t, test.data, test.want) })
	}
}

func TestParseMaterialReadsWhatGoWrites(t *testing.T) {
	for _, alg := range keys.Algorithms() {
		private := generate(t, alg)
		m, err := keys.ParseMaterial(pemOf("PRIVATE KEY", pkcs8(t, private)))
		if err != nil {
			t.Errorf("%s: %v", alg, err)
			continue
		}
		if diff := cmp.Diff(pkcs8(t, private), pkcs8(t, m.Private)); diff != "" {
			t.Errorf("%s: it is another key: %s", alg, diff)
		}
	}
}
