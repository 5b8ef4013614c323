package encryption

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"encoding/json"
	"testing"

	"github.com/lestrrat-go/jwx/v2/jwa"
	"github.com/lestrrat-go/jwx/v2/jwe"

	"authserver/internal/jose"
	"authserver/internal/testkit"
)

// holders returns private keys, one of each kind to which tokens can be encrypted.
func holders(t *testing.T) map[string]crypto.Signer {
	t.Helper()
	keys := map[string]crypto.Signer{}
	for name, curve := range map[string]elliptic.Curve{"P-256": elliptic.P256(), "P-384": elliptic.P384(), "P-521": elliptic.P521()} {
		key, err := ecdsa.GenerateKey(curve, rand.Reader)
		if err != nil {
			t.Fatal(err)
		}
		keys[name] = key
	}
	key, err := rsa.GenerateKey(rand.Reader, jose.MinRSABits)
	if err != nil {
		t.Fatal(err)
	}
	keys["RSA"] = key
	return keys
}

func TestEncryptIsReadByTheHolderAlone(t *testing.T) {
	keys := holders(t)
	for name, private := range keys {
		registered, err := jose.CheckClientEncryptionKey(testkit.JWK(t, private.Public(), map[string]any{"kid": "k"}))
		if err != nil {
			t.Fatal(err)
		}
		recipient, err := ParseRecipient(registered)
		if err != nil {
			t.Fatal(err)
		}
		algs, err := jose.AlgsOfClientKey(registered)
		if err != nil {
			t.Fatal(err)
		}
		for _, alg := range algs {
			for _, enc := range jose.ClientEncryptions() {
				t.Run(name+" "+alg+" "+enc, func(t *testing.T) {
					token, err := recipient.Encrypt([]byte("a.b.c"), Form{Alg: alg, Enc: enc, Header: map[string]string{"iss": "https://issuer.example"}})
					if err != nil {
						t.Fatal(err)
					}
					header, err := jose.ParseEncrypted(string(token), 1<<14)
					if err != nil || header.KID != "k" || header.Alg != alg || header.All["enc"] != enc || header.All["cty"] != "JWT" || header.All["iss"] != "https://issuer.example" || header.All["zip"] != nil {
						t.Errorf("its header is %+v, %v", header, err)
					}
					got, err := jwe.Decrypt(token, jwe.WithKey(jwa.KeyEncryptionAlgorithm(alg), private))
					if err != nil || string(got) != "a.b.c" {
						t.Errorf("decrypted to %q, %v", got, err)
					}
					for other, stranger := range keys {
						if other == name {
							continue
						}
						if _, err := jwe.Decrypt(token, jwe.WithKey(jwa.KeyEncryptionAlgorithm(alg), stranger)); err == nil {
							t.Errorf("the holder of the key of %s reads it", other)
						}
					}
				})
			}
		}
	}
}

// A token for a resource is encrypted with the algorithm of its key, and this server accepts the
// same algorithms.
func TestEncryptToAResource(t *testing.T) {
	for name, private := range holders(t) {
		registered, err := jose.CheckEncryptionKey(testkit.JWK(t, private.Public(), nil))
		if err != nil {
			t.Fatal(err)
		}
		recipient, err := ParseRecipient(registered)
		if err != nil {
			t.Fatal(err)
		}
		for _, enc := range jose.ContentEncryptions() {
			token, err := recipient.Encrypt([]byte("a.b.c"), Form{Enc: enc})
			if err != nil {
				t.Fatal(err)
			}
			header, err := jose.ParseEncrypted(string(token), 1<<14)
			if err != nil || jose.CheckEncryptedHeader(header) != nil || header.Alg != jose.EncryptionAlg(private.Public()) {
				t.Errorf("%s: its header is %+v, %v", name, header, err)
			}
		}
	}
}

// A JWE with claims instead of a signed JWT does not say that it contains one (RFC 7519 §5.2).
func TestEncryptClaims(t *testing.T) {
	key := testkit.P256(t)
	registered, err := jose.CheckClientEncryptionKey(testkit.JWK(t, key.Public(), nil))
	if err != nil {
		t.Fatal(err)
	}
	recipient, err := ParseRecipient(registered)
	if err != nil {
		t.Fatal(err)
	}
	token, err := recipient.Encrypt([]byte(`{"sub":"alice"}`), Form{Alg: jose.ECDHES, Enc: "A128CBC-HS256", Claims: true})
	if err != nil {
		t.Fatal(err)
	}
	if header, err := jose.ParseEncrypted(string(token), 1<<14); err != nil || header.All["cty"] != nil {
		t.Errorf("its header is %+v, %v", header, err)
	}
}

func TestEncryptRefuses(t *testing.T) {
	key := testkit.P256(t)
	recipients := map[string]Recipient{}
	for name, check := range map[string]func([]byte) (json.RawMessage, error){"resource": jose.CheckEncryptionKey, "client": jose.CheckClientEncryptionKey} {
		registered, err := check(testkit.JWK(t, key.Public(), nil))
		if err != nil {
			t.Fatal(err)
		}
		if recipients[name], err = ParseRecipient(registered); err != nil {
			t.Fatal(err)
		}
	}
	for name, test := range map[string]struct {
		recipient string
		form      Form
	}{
		"no enc":                            {"resource", Form{}},
		"an enc that there is not":          {"resource", Form{Enc: "A192CBC-HS384"}},
		"an enc in another spelling":        {"resource", Form{Enc: "a256gcm"}},
		"another alg than that of the key":  {"resource", Form{Alg: jose.ECDHESA256W, Enc: "A256GCM"}},
		"no alg":                            {"client", Form{Enc: "A256GCM"}},
		"RSA1_5 (RFC 8725 §3.2)":            {"client", Form{Alg: "RSA1_5", Enc: "A256GCM"}},
		"a shared key":                      {"client", Form{Alg: "dir", Enc: "A256GCM"}},
		"the alg of a key of another kind":  {"client", Form{Alg: jose.RSAOAEP256, Enc: "A256GCM"}},
		"an alg with an enc that is no enc": {"client", Form{Alg: jose.ECDHES, Enc: "none"}},
	} {
		if token, err := recipients[test.recipient].Encrypt([]byte("a.b.c"), test.form); err == nil {
			t.Errorf("%s is taken: %s", name, token)
		}
	}
	for _, damaged := range []string{"", "{}", `{"kty":"EC"}`} {
		if _, err := ParseRecipient([]byte(damaged)); err == nil {
			t.Errorf("%q is taken for a key", damaged)
		}
	}
}
