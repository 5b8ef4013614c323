package jose

import (
	"bytes"
	"crypto/rand"
	"crypto/rsa"
	"fmt"
	"strings"
	"testing"

	"authserver/internal/testkit"
)

func rsaKey(t testing.TB) *rsa.PrivateKey {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, MinRSABits)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func TestCheckEncryptionKeyRefuses(t *testing.T) {
	ec := testkit.P256(t)
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
		"RSA1_5 (RFC 8725 §3.2)":       {testkit.JWK(t, rsaKey(t).Public(), map[string]any{"alg": "RSA1_5"}), "has to be RSA-OAEP-256"},
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
	ec := testkit.P256(t)
	set := func(keys ...[]byte) []byte { return []byte(`{"keys":[` + string(bytes.Join(keys, []byte(","))) + `]}`) }
	signing := testkit.JWK(t, ec.Public(), map[string]any{"kid": "signing", "use": "sig"})
	first := testkit.JWK(t, ec.Public(), map[string]any{"kid": "first", "use": "enc"})
	second := testkit.JWK(t, rsaKey(t).Public(), map[string]any{"kid": "second", "use": "enc"})
	noUse := testkit.JWK(t, ec.Public(), map[string]any{"kid": "no use"})
	for name, test := range map[string]struct {
		data      []byte
		alg, want string // want is a part of the key, or of the error
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
		"RSA1_5 (RFC 8725 §3.2)":         {`{"alg":"RSA1_5","enc":"A256GCM","cty":"JWT"}`, "its alg"},
		"a shared key":                   {`{"alg":"dir","enc":"A256GCM","cty":"JWT"}`, "its alg"},
		"a password":                     {`{"alg":"PBES2-HS256+A128KW","enc":"A256GCM","cty":"JWT","p2c":1}`, "its alg"},
		"compression (RFC 8725 §3.6)":    {`{"alg":"ECDH-ES","enc":"A256GCM","cty":"JWT","zip":"DEF"}`, "zip"},
		"CBC":                            {`{"alg":"ECDH-ES","enc":"A128CBC-HS256","cty":"JWT"}`, "its enc"},
		"no signed token in it":          {`{"alg":"ECDH-ES","enc":"A256GCM"}`, "its cty"},
		"an extension that is not known": {`{"alg":"ECDH-ES","enc":"A256GCM","cty":"JWT","crit":["x"]}`, "crit"},
		"a member that appears twice":    {`{"alg":"ECDH-ES","alg":"dir","enc":"A256GCM","cty":"JWT"}`, "twice"},
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

// The parser ends for any input and does not accept two spellings.
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
