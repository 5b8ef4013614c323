package grants_test

import (
	"crypto/ecdsa"
	"encoding/json"
	"testing"

	"github.com/lestrrat-go/jwx/v2/jwa"
	"github.com/lestrrat-go/jwx/v2/jwe"
	"github.com/lestrrat-go/jwx/v2/jwk"

	"authserver/internal/encryption"
	"authserver/internal/jose"
	"authserver/internal/keys"
	"authserver/internal/oauth"
	"authserver/internal/store"
	"authserver/internal/store/storetest"
	"authserver/internal/testkit"
)

// publicEncryptionJWK makes a key to which tokens can be encrypted.
func publicEncryptionJWK(t *testing.T) (*ecdsa.PrivateKey, json.RawMessage) {
	t.Helper()
	private := testkit.P256(t)
	registered, err := jose.CheckEncryptionKey(testkit.JWK(t, private.Public(), nil))
	if err != nil {
		t.Fatal(err)
	}
	return private, registered
}

// RFC 7519 §5.2: the token is signed and then encrypted, so that only the resource can read it and
// knows who made it.
func TestTokensOfAResourceAreEncryptedToIt(t *testing.T) {
	w := newWorld(t)
	private, registered := publicEncryptionJWK(t)
	resource, err := w.db.Resource(t.Context(), api)
	w.ok(err)
	resource.EncryptionJWK, resource.EncryptionEnc = registered, "A128GCM"
	w.ok(w.db.UpdateResource(t.Context(), resource, storetest.By()))
	answer := w.exchange(w.clientCredentials, w.ask(w.client("web")))
	header, err := jose.ParseEncrypted(answer.AccessToken, 1<<14)
	if err != nil || header.All["cty"] != "JWT" || header.All["enc"] != "A128GCM" || header.Alg != jose.ECDHES {
		t.Fatalf("its header is %v, %v", header.All, err)
	}
	signed, err := jwe.Decrypt([]byte(answer.AccessToken), jwe.WithKey(jwa.ECDH_ES, private))
	w.ok(err)
	if claims := w.verifyAccess(string(signed)); claims.Subject != "web" {
		t.Errorf("it is of %q", claims.Subject)
	}
	// Two resources must not have to give each other tokens that only one of them can read.
	_, err = w.clientCredentials.Exchange(t.Context(), w.ask(w.client("web"), "resource", api, "resource", files))
	refused(t, err, oauth.InvalidTarget, "resources_differ")
}

func TestEncryptedAssertions(t *testing.T) {
	w := newWorld(t)
	w.trust(func(i *store.Issuer) { i.EncryptionAlg = keys.ECDHES })
	w.ok(w.manager.Load(t.Context())) // makes the key
	set, err := jwk.Parse(w.manager.JWKS().Body)
	w.ok(err)
	var public []byte
	for i := range set.Len() {
		if key, _ := set.Key(i); key.KeyUsage() == "enc" {
			public, err = json.Marshal(key)
			w.ok(err)
		}
	}
	encrypt := func(signed string) string {
		recipient, err := encryption.ParseRecipient(public)
		w.ok(err)
		token, err := recipient.Encrypt([]byte(signed), encryption.Form{Enc: "A256GCM"})
		w.ok(err)
		return string(token)
	}
	signed := w.vouch(nil)
	if _, err := w.present("web", encrypt(signed)); err != nil {
		t.Fatal(err)
	}
	_, err = w.present("web", encrypt(signed)) // other bytes with the same assertion inside
	refused(t, err, oauth.InvalidGrant, "assertion_replayed")
	_, err = w.present("web", w.vouch(nil))
	refused(t, err, oauth.InvalidGrant, "assertion_encryption")
	_, err = w.present("web", encrypt(encrypt(w.vouch(nil))))
	refused(t, err, oauth.InvalidGrant, "assertion_malformed")
	_, err = w.present("web", encrypt(w.vouch(nil))+"AAAA") // a tag that is too long
	refused(t, err, oauth.InvalidGrant, "assertion_undecryptable")
	w.retrust(func(*store.Issuer) {})
	_, err = w.present("web", encrypt(w.vouch(nil)))
	refused(t, err, oauth.InvalidGrant, "assertion_encryption")
}
