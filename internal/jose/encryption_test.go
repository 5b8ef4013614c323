package jose

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"fmt"
	"strings"
	"testing"

	"github.com/lestrrat-go/jwx/v2/jwa"
	"github.com/lestrrat-go/jwx/v2/jwe"

	"authserver/internal/testkit"
)

type pair struct {
	private crypto.Signer
	alg     string
}

func encryptionPairs(t testing.TB) map[string]pair {
	t.Helper()
	pairs := make(map[string]pair)
	for name, curve := range map[string]elliptic.Curve{"P-256": elliptic.P256(), "P-384": elliptic.P384(), "P-521": elliptic.P521()} {
		key, err := ecdsa.GenerateKey(curve, rand.Reader)
		if err != nil {
			t.Fatal(err)
		}
		pairs[name] = pair{key, ECDHES}
	}
	key, err := rsa.GenerateKey(rand.Reader, MinRSABits)
	if err != nil {
		t.Fatal(err)
	}
	pairs["RSA"] = pair{key, RSAOAEP256}
	return pairs
}

func TestEncryptIsReadByTheHolderAlone(t *testing.T) {
	pairs := encryptionPairs(t)
	for name, p := range pairs {
		for _, enc := range ContentEncryptions() {
			t.Run(name+" "+enc, func(t *testing.T) {
				registered, err := CheckEncryptionKey(testkit.JWK(t, p.private.Public(), map[string]any{"kid": "k"}))
				if err != nil {
					t.Fatal(err)
				}
				token, err := Encrypt([]byte("a.b.c"), registered, enc)
				if err != nil {
					t.Fatal(err)
				}
				header, err := ParseEncrypted(string(token), 1<<14)
				if err != nil || CheckEncryptedHeader(header) != nil || header.KID != "k" || header.Alg != p.alg {
					t.Errorf("its header is %+v, %v", header, err)
				}
				got, err := jwe.Decrypt(token, jwe.WithKey(jwa.KeyEncryptionAlgorithm(p.alg), p.private))
				if err != nil || string(got) != "a.b.c" {
					t.Errorf("decrypted to %q, %v", got, err)
				}
				for other, stranger := range pairs {
					if other == name {
						continue
					}
					if _, err := jwe.Decrypt(token, jwe.WithKey(jwa.KeyEncryptionAlgorithm(stranger.alg), stranger.private)); err == nil {
						t.Errorf("the holder of the key of %s reads it", other)
					}
				}
			})
		}
	}
}

func TestCheckEncryptionKeyRefuses(t *testing.T) {
	ec := encryptionPairs(t)["P-256"].private
	small, err := rsa.GenerateKey(rand.Reader, 1024)
	if err != nil {
		t.Fatal(err)
	}
	for name, test := range map[string]struct {
		key  []byte
		want string
	}{
		"no JWK":                       {[]byte("-----BEGIN"), "not a JWK"},
		"a private key":                {testkit.JWK(t, ec, nil), "private or symmetric"},
		"a symmetric key":              {testkit.JWK(t, []byte("0123456789abcdef0123456789abcdef"), nil), "private or symmetric"},
		"a key for signatures":         {testkit.JWK(t, ec.Public(), map[string]any{"use": "sig"}), `its use is "sig"`},
		"RSA of 1024 bits":             {testkit.JWK(t, small.Public(), nil), "kind or size"},
		"RSA1_5 (RFC 8725 §3.2)":       {testkit.JWK(t, encryptionPairs(t)["RSA"].private.Public(), map[string]any{"alg": "RSA1_5"}), "has to be RSA-OAEP-256"},
		"an alg that is not the key's": {testkit.JWK(t, ec.Public(), map[string]any{"alg": "RSA-OAEP-256"}), "has to be ECDH-ES"},
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := CheckEncryptionKey(test.key); err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("got %v, want an error that says %q", err, test.want)
			}
		})
	}
}

func TestChooseEncryptionKey(t *testing.T) {
	pairs := encryptionPairs(t)
	ec, rsaKey := pairs["P-256"].private, pairs["RSA"].private.Public()
	set := func(keys ...[]byte) []byte { return []byte(`{"keys":[` + string(bytes.Join(keys, []byte(","))) + `]}`) }
	signing := testkit.JWK(t, ec.Public(), map[string]any{"kid": "signing", "use": "sig"})
	first := testkit.JWK(t, ec.Public(), map[string]any{"kid": "first", "use": "enc"})
	second := testkit.JWK(t, rsaKey, map[string]any{"kid": "second", "use": "enc"})
	noUse := testkit.JWK(t, ec.Public(), map[string]any{"kid": "no use"})
	for name, test := range map[string]struct {
		data      []byte
		alg, want string // want is in the key, or in the error
		good      bool
	}{
		"the only one for encryption":       {set(signing, first), "", `"first"`, true},
		"the one for an alg":                {set(first, second), RSAOAEP256, `"second"`, true},
		"a JWK without use":                 {noUse, "", `"no use"`, true},
		"a set of one without use":          {set(noUse), "", `"no use"`, true},
		"beside a key of an unknown kind":   {set([]byte(`{"kty":"new"}`), first), "", `"first"`, true},
		"several":                           {set(first, second), "", "several keys", false},
		"several for an alg":                {set(first, first), ECDHES, "several keys", false},
		"none for an alg":                   {set(signing, first), RSAOAEP256, "no key with use enc", false},
		"none for encryption":               {set(signing, noUse), "", "no key with use enc", false},
		"a key for signatures alone":        {signing, "", `use is "sig"`, false},
		"a private key":                     {testkit.JWK(t, ec, nil), "", "private or symmetric", false},
		"a private key that is published":   {set(signing, testkit.JWK(t, ec, map[string]any{"use": "enc"})), "", "private or symmetric", false},
		"an empty set":                      {set(), "", "neither a JWK Set nor a JWK", false},
		"an answer of something else":       {[]byte("<html>"), "", "neither a JWK Set nor a JWK", false},
		"an answer of something else, JSON": {[]byte(`{"error":"not_found"}`), "", "neither a JWK Set nor a JWK", false},
	} {
		t.Run(name, func(t *testing.T) {
			key, err := ChooseEncryptionKey(test.data, test.alg)
			if (err == nil) != test.good || !strings.Contains(string(key)+fmt.Sprint(err), test.want) {
				t.Errorf("got %s, %v, want %s", key, err, test.want)
			}
		})
	}
}

func TestEncryptedHeaderRefuses(t *testing.T) {
	for name, test := range map[string]struct{ header, want string }{
		"RSA1_5 (RFC 8725 §3.2)":           {`{"alg":"RSA1_5","enc":"A256GCM","cty":"JWT"}`, "its alg"},
		"a shared key":                     {`{"alg":"dir","enc":"A256GCM","cty":"JWT"}`, "its alg"},
		"a password":                       {`{"alg":"PBES2-HS256+A128KW","enc":"A256GCM","cty":"JWT","p2c":1}`, "its alg"},
		"compression (RFC 8725 §3.6)":      {`{"alg":"ECDH-ES","enc":"A256GCM","cty":"JWT","zip":"DEF"}`, "zip"},
		"CBC":                              {`{"alg":"ECDH-ES","enc":"A128CBC-HS256","cty":"JWT"}`, "its enc"},
		"no signed token in it":            {`{"alg":"ECDH-ES","enc":"A256GCM"}`, "its cty"},
		"an extension that is not known":   {`{"alg":"ECDH-ES","enc":"A256GCM","cty":"JWT","crit":["x"]}`, "crit"},
		"a member that stands there twice": {`{"alg":"ECDH-ES","alg":"dir","enc":"A256GCM","cty":"JWT"}`, "twice"},
	} {
		t.Run(name, func(t *testing.T) {
			header, err := ParseEncrypted(encodePart(test.header)+".AA.AA.AA.AA", 1<<14)
			if err == nil {
				err = CheckEncryptedHeader(header)
			}
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("got %v, want an error that says %q", err, test.want)
			}
		})
	}
}

// Whatever comes, the parser ends and does not take two spellings.
func FuzzParseEncrypted(f *testing.F) {
	for _, header := range []string{`{"alg":"ECDH-ES","enc":"A256GCM","cty":"JWT"}`, `{"alg":"dir"}`, `{"alg":"RSA1_5","zip":"DEF"}`, `[]`} {
		f.Add(encodePart(header) + ".AA.AA.AA.AA")
	}
	f.Add("....")
	f.Add(strings.Repeat(".", 100))
	f.Fuzz(func(t *testing.T, token string) {
		header, err := ParseEncrypted(token, 1<<14)
		if err == nil && (strings.ContainsAny(token, "=\r\n ") || strings.Count(token, ".") != 4 || header.Alg == "") {
			t.Errorf("took %q", token)
		}
	})
}
