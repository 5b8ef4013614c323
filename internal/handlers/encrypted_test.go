package handlers

import (
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	gojose "github.com/go-jose/go-jose/v4"

	"authserver/internal/encryption"
	"authserver/internal/jose"
	"authserver/internal/keys"
	"authserver/internal/store"
	"authserver/internal/store/storetest"
	"authserver/internal/testkit"
)

// encryptTo changes a client so that its tokens are encrypted to a key.
func (s *site) encryptTo(id string, key crypto.Signer, change func(c *store.Client)) {
	s.Helper()
	client, err := s.db.Client(s.Context(), id)
	s.ok(err)
	client.EncryptionJWK, err = jose.CheckClientEncryptionKey(testkit.JWK(s.TB, key.Public(), nil))
	s.ok(err)
	change(&client)
	s.ok(s.db.UpdateClient(s.Context(), client, storetest.By()))
}

// opened decrypts with another library than the server's.
func opened(t testing.TB, token string, key any, alg, enc string) (content string, header gojose.Header) {
	t.Helper()
	parsed, err := gojose.ParseEncryptedCompact(token, []gojose.KeyAlgorithm{gojose.KeyAlgorithm(alg)}, []gojose.ContentEncryption{gojose.ContentEncryption(enc)})
	if err != nil {
		t.Fatalf("%s: %v", token, err)
	}
	plain, err := parsed.Decrypt(key)
	if err != nil {
		t.Fatal(err)
	}
	return string(plain), parsed.Header
}

// OpenID Connect Core §10.2 and §16.14: an ID token is signed and then encrypted.
func TestEncryptedIDToken(t *testing.T) {
	s, b, v := people(t)
	ec := testkit.P256(t)
	private, err := rsa.GenerateKey(rand.Reader, jose.MinRSABits)
	s.ok(err)
	for _, alg := range jose.ClientEncryptionAlgs() {
		key := crypto.Signer(ec)
		if alg == jose.RSAOAEP256 {
			key = private
		}
		for _, enc := range jose.ClientEncryptions() {
			s.encryptTo("web-app", key, func(c *store.Client) { c.IDTokenEncryptionAlg, c.IDTokenEncryptionEnc = alg, enc })
			tokens := exchangeAt(t, b, v, "scope", "openid read")
			signed, header := opened(t, tokens["id_token"].(string), key, alg, enc)
			if header.ExtraHeaders["cty"] != "JWT" || header.KeyID == "" {
				t.Errorf("%s %s: its header is %+v", alg, enc, header)
			}
			if got := decoded(t, signed); got["iss"] != issuer || got["aud"] != "web-app" || got["sub"] != aliceID || got["nonce"] != "the nonce" || got["at_hash"] == nil {
				t.Errorf("%s %s: it says %v", alg, enc, got)
			}
			if strings.Count(tokens["access_token"].(string), ".") != 2 {
				t.Errorf("%s %s: the access token is encrypted too", alg, enc)
			}
			refreshed := v.token("web-app", secret, "grant_type", "refresh_token", "refresh_token", tokens["refresh_token"].(string)).json(t)
			again, _ := opened(t, refreshed["id_token"].(string), key, alg, enc)
			if got := decoded(t, again); got["sub"] != aliceID {
				t.Errorf("%s %s: refreshed, it says %v", alg, enc, got)
			}
		}
	}
}

// The ID token of a response type of older applications is encrypted too (Core §3.2.2.5).
func TestEncryptedIDTokenInTheFragment(t *testing.T) {
	s, b, _ := people(t)
	key := testkit.P256(t)
	s.encryptTo("legacy", key, func(c *store.Client) { c.IDTokenEncryptionAlg, c.IDTokenEncryptionEnc = jose.ECDHES, "A128CBC-HS256" })
	p := b.SignIn(b.Open(authorization("legacy", "response_type", "id_token")), "alice", password)
	signed, _ := opened(t, p.Sent(t, legacyCallback).Get("id_token"), key, jose.ECDHES, "A128CBC-HS256")
	if got := decoded(t, signed); got["sub"] != aliceID {
		t.Errorf("it says %v", got)
	}
}

// After a client changes its key, later tokens are encrypted only to the new one.
func TestAClientChangesItsEncryptionKey(t *testing.T) {
	s, b, v := people(t)
	first, second := testkit.P256(t), testkit.P256(t)
	with := func(c *store.Client) { c.IDTokenEncryptionAlg, c.IDTokenEncryptionEnc = jose.ECDHES, "A128GCM" }
	s.encryptTo("web-app", first, with)
	_, before := opened(t, exchangeAt(t, b, v)["id_token"].(string), first, jose.ECDHES, "A128GCM")
	s.encryptTo("web-app", second, with)
	_, after := opened(t, exchangeAt(t, b, v)["id_token"].(string), second, jose.ECDHES, "A128GCM")
	if before.KeyID == after.KeyID {
		t.Errorf("both are for the key %s", before.KeyID)
	}
}

// A logout token uses the key and the algorithms of ID tokens, and names its issuer unencrypted
// (Back-Channel Logout 1.0 §2.4).
func TestEncryptedLogoutToken(t *testing.T) {
	s, b, v := people(t)
	back, app := backchannel(t, s)
	key := testkit.P256(t)
	s.encryptTo("web-app", key, func(c *store.Client) {
		c.IDTokenEncryptionAlg, c.IDTokenEncryptionEnc = jose.ECDHESA128W, "A128CBC-HS256"
	})
	exchangeAt(t, b, v)
	submit(b, "/account/logout")
	s.ok(back.Deliver(t.Context()))
	if len(app.tokens) != 1 {
		t.Fatalf("%d logout tokens", len(app.tokens))
	}
	signed, header := opened(t, app.tokens[0], key, jose.ECDHESA128W, "A128CBC-HS256")
	if header.ExtraHeaders["iss"] != issuer || header.ExtraHeaders["cty"] != "JWT" {
		t.Errorf("its header is %+v", header)
	}
	inner, err := jose.Parse(signed, 1<<14)
	s.ok(err)
	if got := decoded(t, signed); inner.Header.Typ != "logout+jwt" || got["aud"] != "web-app" || got["events"] == nil {
		t.Errorf("within it is %+v: %v", inner.Header, got)
	}
}

// Core §5.3.2: userinfo is JSON, signed, encrypted, or signed and then encrypted.
func TestEncryptedUserinfo(t *testing.T) {
	s, b, v := people(t)
	key := testkit.P256(t)
	bearer := map[string]string{"Authorization": "Bearer " + exchangeAt(t, b, v)["access_token"].(string)}
	for _, signed := range []string{"", "ES256"} {
		s.encryptTo("web-app", key, func(c *store.Client) {
			c.UserinfoAlg, c.UserinfoEncryptionAlg, c.UserinfoEncryptionEnc = signed, jose.ECDHESA256W, "A256GCM"
		})
		a := v.do(http.MethodGet, UserinfoPath, "", bearer)
		if a.status != http.StatusOK || a.header.Get("Content-Type") != "application/jwt" || a.header.Get("Cache-Control") != "no-store" {
			t.Fatalf("signed %q: answered %d %v %s", signed, a.status, a.header, a.body)
		}
		content, header := opened(t, a.body, key, jose.ECDHESA256W, "A256GCM")
		claims := map[string]any{}
		if signed == "" {
			s.ok(json.Unmarshal([]byte(content), &claims))
		} else {
			claims = decoded(t, content)
		}
		if claims["sub"] != aliceID || (signed != "") != (header.ExtraHeaders["cty"] == "JWT") || (signed != "") != (claims["aud"] == "web-app" && claims["iss"] == issuer) {
			t.Errorf("signed %q: its header is %+v, and it says %v", signed, header, claims)
		}
	}
	if id := exchangeAt(t, b, v)["id_token"].(string); strings.Count(id, ".") != 2 {
		t.Errorf("the ID token is encrypted too: %s", id)
	}
}

// Core §3.1.2.1: the client decrypts an ID token before it sends it as a hint, and may encrypt
// it to this server.
func TestHintOfAnEncryptedIDToken(t *testing.T) {
	s, b, v := people(t)
	own := s.ownEncryptionKey()
	key := testkit.P256(t)
	s.encryptTo("web-app", key, func(c *store.Client) { c.IDTokenEncryptionAlg, c.IDTokenEncryptionEnc = jose.ECDHES, "A128GCM" })
	encrypted := exchangeAt(t, b, v)["id_token"].(string)
	signed, _ := opened(t, encrypted, key, jose.ECDHES, "A128GCM")
	to, err := own.Encrypt([]byte(signed), encryption.Form{Enc: "A256GCM"})
	s.ok(err)
	for name, test := range map[string]struct {
		hint string
		good bool
	}{
		"decrypted":                {signed, true},
		"encrypted to this server": {string(to), true},
		"as the server sent it":    {encrypted, false},
		"damaged":                  {string(to[:len(to)-4]) + "AAAA", false},
	} {
		got := b.Open(authorization("web-app", "id_token_hint", test.hint, "prompt", "none")).Sent(t, "https://app.example.com/")
		if (got.Get("code") != "") != test.good || (got.Get("error") == "invalid_request") == test.good {
			t.Errorf("%s: the client is told %v", name, got)
		}
	}
	v.TB = t
	a := v.do(http.MethodGet, EndSessionPath+"?id_token_hint="+encrypted, "", nil)
	if a.status != http.StatusBadRequest || !strings.Contains(a.body, "decrypted") {
		t.Errorf("a logout with it answers %d %s", a.status, a.body)
	}
}

// ownEncryptionKey makes an encryption key of the server.
func (s *site) ownEncryptionKey() encryption.Recipient {
	s.Helper()
	i := store.Issuer{ID: "payroll", Iss: "payroll", JWKSURI: "https://payroll.example.com/keys", EncryptionAlg: keys.ECDHES, Algorithms: []string{"ES256"}, SubjectKind: store.SubjectUser, CreatedAt: store.At(began), UpdatedAt: store.At(began)}
	s.ok(s.db.CreateIssuer(s.Context(), i, storetest.By()))
	manager, _ := s.Public.JWKS.Keys.(*keys.Manager)
	manager.Source = keys.Software{} // the tests have used up their keys
	s.ok(manager.Tick(s.Context()))
	published := s.visit(s.public(0), http.DefaultClient).do(http.MethodGet, JWKSPath, "", nil)
	key, err := jose.ChooseEncryptionKey([]byte(published.body), jose.ECDHES)
	s.ok(err)
	recipient, err := encryption.ParseRecipient(key)
	s.ok(err)
	return recipient
}
