package encryption

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"testing"

	"github.com/lestrrat-go/jwx/v2/jwa"
	"github.com/lestrrat-go/jwx/v2/jwe"

	"authserver/internal/jose"
	"authserver/internal/testkit"
)

func TestEncryptIsReadByTheHolderAlone(t *testing.T) {
	type pair struct {
		private crypto.Signer
		alg     string
	}
	pairs := map[string]pair{}
	for name, curve := range map[string]elliptic.Curve{"P-256": elliptic.P256(), "P-384": elliptic.P384(), "P-521": elliptic.P521()} {
		key, err := ecdsa.GenerateKey(curve, rand.Reader)
		if err != nil {
			t.Fatal(err)
		}
		pairs[name] = pair{key, jose.ECDHES}
	}
	key, err := rsa.GenerateKey(rand.Reader, jose.MinRSABits)
	if err != nil {
		t.Fatal(err)
	}
	pairs["RSA"] = pair{key, jose.RSAOAEP256}
	for name, p := range pairs {
		for _, enc := range jose.ContentEncryptions() {
			t.Run(name+" "+enc, func(t *testing.T) {
				registered, err := jose.CheckEncryptionKey(testkit.JWK(t, p.private.Public(), map[string]any{"kid": "k"}))
				if err != nil {
					t.Fatal(err)
				}
				recipient, err := ParseRecipient(registered)
				if err != nil {
					t.Fatal(err)
				}
				token, err := recipient.Encrypt([]byte("a.b.c"), enc, nil)
				if err != nil {
					t.Fatal(err)
				}
				header, err := jose.ParseEncrypted(string(token), 1<<14)
				if err != nil || jose.CheckEncryptedHeader(header) != nil || header.KID != "k" || header.Alg != p.alg {
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

func TestEncryptRefuses(t *testing.T) {
	registered, err := jose.CheckEncryptionKey(testkit.JWK(t, testkit.P256(t).Public(), nil))
	if err != nil {
		t.Fatal(err)
	}
	recipient, err := ParseRecipient(registered)
	if err != nil {
		t.Fatal(err)
	}
	for _, enc := range []string{"", "A128CBC-HS256", "a256gcm"} {
		if _, err := recipient.Encrypt([]byte("a.b.c"), enc, nil); err == nil {
			t.Errorf("enc %q is taken", enc)
		}
	}
	for _, damaged := range []string{"", "{}", `{"kty":"EC"}`} {
		if _, err := ParseRecipient([]byte(damaged)); err == nil {
			t.Errorf("%q is taken for a key", damaged)
		}
	}
}
