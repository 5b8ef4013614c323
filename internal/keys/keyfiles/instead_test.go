package keyfiles

import (
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/json"
	"encoding/pem"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"authserver/internal/testkit"
)

// files returns one file of each kind.
func files(t *testing.T) map[string][]byte {
	t.Helper()
	dir := t.TempDir()
	private := testkit.P256(t)
	pkcs8, err := x509.MarshalPKCS8PrivateKey(private)
	ok(t, err)
	spki, err := x509.MarshalPKIXPublicKey(private.Public())
	ok(t, err)
	cert := testkit.SelfSigned(t, x509.Certificate{Subject: pkix.Name{CommonName: "idp"}, NotBefore: time.Now(), NotAfter: time.Now().Add(time.Hour)}, private).Raw
	block := func(kind string, der []byte) []byte {
		return pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der})
	}
	ok(t, os.WriteFile(filepath.Join(dir, "key"), block("PRIVATE KEY", pkcs8), 0o600))
	ok(t, os.WriteFile(filepath.Join(dir, "cert"), block("CERTIFICATE", cert), 0o600))
	made := func(line string) []byte {
		command := exec.CommandContext(t.Context(), "openssl", strings.Fields(line)...)
		command.Dir = dir
		if out, err := command.CombinedOutput(); err != nil {
			t.Fatalf("openssl %s: %v\n%s", line, err, out)
		}
		data, err := os.ReadFile(filepath.Join(dir, "out"))
		ok(t, err)
		return data
	}
	public := testkit.JWK(t, private.Public(), nil)
	return map[string][]byte{
		"empty": []byte(" \n"), "page": []byte("<!DOCTYPE html><html>"), "set": testkit.JWKS(t, public), "public JWK": public,
		"private JWK": testkit.JWK(t, private, nil), "secret JWK": []byte(`{"kty":"oct","k":"AQ"}`),
		"metadata": []byte(`{"issuer":"https://idp.example","jwks_uri":"https://idp.example/keys"}`),
		"array":    append(append([]byte("["), public...), ']'), "object": []byte(`{"a":1}`),
		"Google's certificates": []byte(`{"kid":"-----BEGIN CERTIFICATE-----\nMII"}`), "token": []byte("eyJhbGciOiJub25lIn0.e30."),
		"certificate": block("CERTIFICATE", cert), "certificate in DER": cert,
		"public key": block("PUBLIC KEY", spki), "public key in DER": spki, "PKCS #1 public key": made("rsa -in " + rsaIn(t, dir) + " -RSAPublicKey_out -out out"),
		"private key": block("PRIVATE KEY", pkcs8), "private key in DER": pkcs8, "SEC 1": made("ec -in key -out out"),
		"encrypted key":        made("pkcs8 -topk8 -in key -passout pass:sesame -out out"),
		"encrypted key in DER": made("pkcs8 -topk8 -in key -passout pass:sesame -outform DER -out out"),
		"old encrypted key":    made("ec -in key -aes128 -passout pass:sesame -out out"),
		"request":              made("req -new -key key -subj /CN=x -out out"),
		"PKCS #7":              made("crl2pkcs7 -nocrl -certfile cert -out out"),
		"PKCS #7 in DER":       made("crl2pkcs7 -nocrl -certfile cert -outform DER -out out"),
		"PKCS #12":             made("pkcs12 -export -inkey key -in cert -passout pass:sesame -out out"),
		"OpenSSH":              block("OPENSSH PRIVATE KEY", []byte("openssh-key-v1\x00")),
		"OpenSSH public":       []byte("ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJ user@host\n"),
		"PuTTY":                []byte("PuTTY-User-Key-File-3: ssh-rsa\n"),
		"OpenPGP":              block("PGP PRIVATE KEY BLOCK", []byte("x")),
		"damaged PEM":          []byte("-----BEGIN CERTIFICATE-----\nMII"),
		"damaged DER":          cert[:100], "UTF-16": []byte("\xff\xfe{\x00}\x00"), "text": []byte("hello"),
		"bundle": append(block("CERTIFICATE", cert), block("PRIVATE KEY", pkcs8)...),
	}
}

func rsaIn(t *testing.T, dir string) string {
	t.Helper()
	command := exec.CommandContext(t.Context(), "openssl", "genrsa", "-out", "rsa", "2048")
	command.Dir = dir
	ok(t, command.Run())
	return "rsa"
}

func ok(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// inFlags is what an interface with flags says.
func inFlags(err error) string {
	var other *MismatchError
	if !errors.As(err, &other) {
		return err.Error()
	}
	return other.In(func(w Wanted) string {
		return map[Wanted]string{JWKSet: "--jwks-file", Certificate: "--certificate-file", Secret: "--secret-file"}[w]
	})
}

func TestCheckSaysWhatAFileIsAndWhatToDo(t *testing.T) {
	all := files(t)
	for _, test := range []struct {
		file   string
		wanted Wanted
		want   []string // nil: the file passes
	}{
		{"set", JWKSet, nil}, {"public JWK", JWKSet, nil}, {"text", JWKSet, nil},
		{"public key", JWKSet, []string{"it is a public key in PEM, and a JWK Set (RFC 7517 section 5) is wanted", `put it into the file as {"keys":[{"`}},
		{"public key in DER", JWKSet, []string{"it is a public key in DER", `{"keys":[{"`}},
		{"PKCS #1 public key", JWKSet, []string{"it is a public key in PEM", `"kty":"RSA"`}},
		{"certificate", JWKSet, []string{"it is a certificate in PEM", "give it as --certificate-file"}},
		{"certificate in DER", JWKSet, []string{"it is a certificate in DER", "give it as --certificate-file"}},
		{"private key", JWKSet, []string{"it is a private key in PEM", "keep this file secret", `{"keys":[{"`}},
		{"SEC 1", JWKSet, []string{"it is a private key in PEM", "keep this file secret"}},
		{"private key in DER", JWKSet, []string{"it is a private key in DER", "keep this file secret"}},
		{"private JWK", JWKSet, []string{"it is a private key as a JWK", "keep this file secret", `{"keys":[{"`}},
		{"bundle", JWKSet, []string{"it is a private key in PEM", "keep this file secret"}},
		{"encrypted key", JWKSet, []string{"it is an encrypted private key in PEM", "keep this file secret"}},
		{"OpenSSH", JWKSet, []string{"OpenSSH's own format", "keep this file secret"}},
		{"OpenSSH public", JWKSet, []string{"a public key in OpenSSH's own format", "ssh-keygen -e -m PKCS8"}},
		{"PuTTY", JWKSet, []string{"PuTTY's own format"}},
		{"OpenPGP", JWKSet, []string{"an OpenPGP key"}},
		{"secret JWK", JWKSet, []string{"a shared secret as a JWK", "--secret-file"}},
		{"page", JWKSet, []string{"an HTML page", "download it again"}},
		{"metadata", JWKSet, []string{"the metadata of an issuer", "jwks_uri"}},
		{"Google's certificates", JWKSet, []string{"certificates by their kid", "--certificate-file"}},
		{"array", JWKSet, []string{"a JSON array", `{"keys": …}`}},
		{"object", JWKSet, []string{"JSON without kty and keys"}},
		{"token", JWKSet, []string{"a token"}},
		{"empty", JWKSet, []string{"it is empty"}},
		{"UTF-16", JWKSet, []string{"UTF-16", "save it as UTF-8"}},
		{"PKCS #12", JWKSet, []string{"a PKCS #12 file", "openssl pkcs12"}},
		{"PKCS #7", JWKSet, []string{"a PKCS #7 file", "openssl pkcs7 -print_certs"}},
		{"request", JWKSet, []string{"a request for a certificate", "that an authority made of it"}},
		{"damaged PEM", JWKSet, []string{"PEM that is cut short"}},
		{"damaged DER", JWKSet, []string{"DER that is cut short"}},

		{"public JWK", JWK, nil},
		{"public key", JWK, []string{"a public key as a JWK (RFC 7517 section 4) is wanted", `put it into the file as {"`}},
		{"certificate", JWK, []string{"it is a certificate in PEM", `the public key in it is {"`}},
		{"private JWK", JWK, []string{"it is a private key as a JWK", "keep this file secret", `its public key is {"`}},
		{"set", JWK, []string{"it is a JWK Set", `take one key out of its "keys"`}},

		{"certificate", Certificate, nil}, {"certificate in DER", Certificate, nil},
		{"set", Certificate, []string{"it is a JWK Set", "give it as --jwks-file"}},
		{"public JWK", Certificate, []string{"it is a public key as a JWK", "give it as --jwks-file"}},
		{"public key", Certificate, []string{"it is a public key in PEM", "give it as --jwks-file"}},
		{"private key", Certificate, []string{"it is a private key in PEM", "its certificate alone belongs here"}},
		{"PKCS #7 in DER", Certificate, []string{"a PKCS #7 file", "openssl pkcs7 -print_certs"}},
		{"PKCS #12", Certificate, []string{"a PKCS #12 file", "-nokeys"}},
		{"request", Certificate, []string{"a request for a certificate"}},

		{"private key", PrivateKey, nil}, {"private JWK", PrivateKey, nil}, {"bundle", PrivateKey, nil},
		{"public key", PrivateKey, []string{"it is a public key in PEM", "the private key that it belongs to"}},
		{"certificate", PrivateKey, []string{"it is a certificate in PEM", "the private key that it belongs to"}},
		{"set", PrivateKey, []string{"it is a JWK Set", `out of its "keys"`}},
		{"OpenSSH", PrivateKey, []string{"OpenSSH's own format", "ssh-keygen -p -m PKCS8"}},
		{"PKCS #12", PrivateKey, []string{"a PKCS #12 file", "openssl pkcs12"}},

		{"text", Secret, nil}, {"object", Secret, nil}, {"damaged DER", Secret, nil},
		{"public key", Secret, []string{"it is a public key in PEM, and a shared secret is wanted", "give it as --jwks-file"}},
		{"public key in DER", Secret, []string{"it is a public key in DER"}},
		{"certificate", Secret, []string{"it is a certificate in PEM", "--certificate-file"}},
		{"set", Secret, []string{"it is a JWK Set", "give it as --jwks-file"}},
		{"private key", Secret, []string{"it is a private key in PEM", "keep this file secret"}},
		{"secret JWK", Secret, []string{"kty oct", "put the bytes that its k has"}},
		{"OpenSSH public", Secret, []string{"a public key in OpenSSH's own format"}},
	} {
		data, known := all[test.file]
		if !known {
			t.Fatalf("no file %q", test.file)
		}
		err := Check(data, test.wanted)
		if test.want == nil {
			if err != nil {
				t.Errorf("%s for %s: %v", test.file, test.wanted, err)
			}
			continue
		}
		for _, words := range test.want {
			if err == nil || !strings.Contains(inFlags(err), words) {
				t.Errorf("%s for %s: %v, want %q", test.file, test.wanted, err, words)
			}
		}
	}
	for _, kind := range []string{"encrypted key", "encrypted key in DER", "old encrypted key", "private key in DER"} {
		if err := Instead(all[kind], PrivateKey); !strings.Contains(inFlags(err), "openssl pkcs8 -topk8 -nocrypt -in FILE -out NEW") {
			t.Errorf("%s: %v", kind, err)
		}
	}
}

// For every wanted kind and every file: no error contains a private key, and each error has a text.
func TestNoErrorHoldsAPrivateKey(t *testing.T) {
	for name, data := range files(t) {
		for _, wanted := range []Wanted{JWKSet, JWK, Certificate, PrivateKey, Secret} {
			told := inFlags(Instead(data, wanted))
			if !strings.HasPrefix(told, "it is ") {
				t.Errorf("%s for %s: %s", name, wanted, told)
			}
			if regexp.MustCompile(`"(?:d|p|q|k)":`).MatchString(told) {
				t.Errorf("%s for %s tells a private member: %s", name, wanted, told)
			}
			if c := look(data); c.kind == privateKey || c.kind == lockedKey {
				for _, word := range regexp.MustCompile(`[A-Za-z0-9+/]{16,}`).FindAllString(string(data), -1) {
					if strings.Contains(told, word[:16]) {
						t.Errorf("%s for %s tells a piece of the file: %s", name, wanted, told)
					}
				}
			}
		}
	}
}

// The JWK that the hint tells the operator to use is the given key.
func TestTheJWKThatIsToldIsTheKey(t *testing.T) {
	all := files(t)
	_, text, found := strings.Cut(inFlags(Check(all["public key"], JWKSet)), "put it into the file as ")
	if !found {
		t.Fatal("no set is told")
	}
	var got, want any
	ok(t, json.Unmarshal([]byte(text), &got))
	ok(t, json.Unmarshal(all["set"], &want))
	if a, b := testkit.JSON(t, got), testkit.JSON(t, want); string(a) != string(b) {
		t.Errorf("told %s, want %s", a, b)
	}
}

func TestText(t *testing.T) {
	for _, test := range []struct {
		name, data, want string
		refused          bool
	}{
		{"nothing", "", "", false},
		{"text", "secret", "secret", false},
		{"text behind a byte order mark", "\xef\xbb\xbfsecret", "secret", false},
		{"a byte order mark alone", "\xef\xbb\xbf", "", false},
		{"a byte order mark within", "a\xef\xbb\xbfb", "a\xef\xbb\xbfb", false},
		{"bytes that begin as the mark does", "\xef\xbb\xbf\xff\xfe", "\xef\xbb\xbf\xff\xfe", false},
		{"UTF-16, little end first", "\xff\xfes\x00e\x00", "", true},
		{"UTF-16, big end first", "\xfe\xff\x00s\x00e", "", true},
		{"bytes that begin as UTF-16 does", "\xff\xfe\x01\x02\x03\x04", "\xff\xfe\x01\x02\x03\x04", false},
		{"the mark of UTF-16 alone", "\xff\xfe", "\xff\xfe", false},
	} {
		got, err := Text([]byte(test.data))
		if (err != nil) != test.refused || string(got) != test.want {
			t.Errorf("%s: %q, %v", test.name, got, err)
		}
	}
}

func FuzzInstead(f *testing.F) {
	for _, seed := range []string{"", "{", "[1]", "<", "-----BEGIN X-----\n-----END X-----", "0\x82\x01\x01", "\xff\xfe\x00\x00", "eyJ.."} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		for _, wanted := range []Wanted{JWKSet, JWK, Certificate, PrivateKey, Secret} {
			if Instead(data, wanted) == nil {
				t.Error("nothing is said")
			}
			_ = Check(data, wanted)
		}
		_, _ = Text(data)
	})
}
