package admin_test

import (
	"encoding/hex"
	"strings"
	"testing"
	"time"

	"authserver/internal/admin"
	"authserver/internal/encryption"
	"authserver/internal/jose"
	"authserver/internal/keys"
	"authserver/internal/oauth"
	"authserver/internal/store"
	"authserver/internal/store/storetest"
	"authserver/internal/testkit"
	"authserver/internal/tokens"
)

// access returns an access token of alice at web, and its id.
func (o *office) access(issuer string, family store.FamilyID) (string, string) {
	o.t.Helper()
	m := o.minter()
	m.Issuer = issuer
	minted, err := m.Mint(o.clock, tokens.Access{
		Subject: "alice", ClientID: "web", Audience: []string{api}, Alg: keys.ES256, TTL: 15 * time.Minute, Family: family,
		ClientNotBefore: o.notBefore(), SubjectNotBefore: o.notBefore(),
	})
	o.must(err)
	return minted.Token, minted.ID
}

// inspect requires a verdict, with the words in its reasons.
func (o *office) inspect(token, kind string, good bool, words ...string) admin.Inspection {
	o.t.Helper()
	i, err := o.Tokens.Inspect(o.t.Context(), by, token, false)
	o.must(err)
	if i.Kind != kind || i.Good != good {
		o.t.Errorf("it is called %s, good %v: %q", i.Kind, i.Good, reasons(i))
	}
	for _, w := range words {
		if !strings.Contains(reasons(i), w) {
			o.t.Errorf("the reasons %q lack %q", reasons(i), w)
		}
	}
	if token != "" && strings.Contains(asJSON(o.t, i), token) {
		o.t.Error("the inspection repeats the token")
	}
	return i
}

func TestAnAccessTokenThatIsGood(t *testing.T) {
	o := newOffice(t)
	token, _ := o.access(self, store.FamilyID{})
	i := o.inspect(token, admin.KindAccess, true, "signed by key", "another 15m0s", "2026-03-01T12:15:00Z")
	if i.Claims["sub"] != "alice" || i.Header["typ"] != "at+jwt" {
		t.Errorf("it decodes to %v, %v", i.Header, i.Claims)
	}
}

// A resource may have access tokens with typ JWT, which assertions have too.
func TestAnAccessTokenOfTypJWTIsInspectedAsOne(t *testing.T) {
	o := newOffice(t)
	minted, err := o.minter().Mint(o.clock, tokens.Access{
		Subject: "alice", ClientID: "web", Audience: []string{api}, Alg: keys.ES256, Typ: tokens.PlainType, TTL: 15 * time.Minute,
	})
	o.must(err)
	if i := o.inspect(minted.Token, admin.KindAccess, true, "signed by key"); i.Header["typ"] != "JWT" {
		t.Errorf("its header is %v", i.Header)
	}
	o.inspect(o.revoke(minted.Token, store.Void{Kind: store.RevokedToken, Value: minted.ID, Reason: "revoked"}), admin.KindAccess, false, "it was revoked")
}

func TestAccessTokensThatAreBad(t *testing.T) {
	family := store.FamilyID{1, 2, 3}
	for _, c := range []struct {
		name  string
		spoil func(o *office, token, id string) string
		want  string
	}{
		{"expired", func(o *office, token, _ string) string { o.clock = o.clock.Add(time.Hour); return token }, "it expired at 2026-03-01T12:15:00Z"},
		{"of another issuer", func(o *office, _, _ string) string { t, _ := o.access("https://other.example.com", family); return t }, "its issuer is not " + self},
		{"of a key that is gone", func(_ *office, _, _ string) string {
			other := newOffice(t)
			token, _ := other.access(self, family)
			return token
		}, "its key is not one of this server's"},
		{"changed", func(_ *office, token, _ string) string { return token[:len(token)-4] + "AAAA" }, "its signature"},
		{"revoked itself", func(o *office, token, id string) string {
			return o.revoke(token, store.Void{Kind: store.RevokedToken, Value: id, Reason: "revoked"})
		}, "it was revoked: revoked"},
		{"of a revoked family", func(o *office, token, _ string) string {
			return o.revoke(token, store.Void{Kind: store.RevokedFamily, Value: family.String(), Reason: "refresh_reused"})
		}, "its family was revoked: an older refresh token of it was presented again: two places share one, or it was stolen (refresh_reused)"},
		{"of a revoked user", func(o *office, token, _ string) string {
			return o.revoke(token, store.Void{Kind: store.RevokedUser, Value: "alice", Before: o.notBefore().Add(time.Millisecond), Reason: "user_disabled"})
		}, "are revoked: the user was disabled (user_disabled)"},
		{"of a revoked client", func(o *office, token, _ string) string {
			return o.revoke(token, store.Void{Kind: store.RevokedClient, Value: "web", Before: o.notBefore().Add(time.Millisecond), Reason: "client_deleted"})
		}, "are revoked: the client was deleted (client_deleted)"},
	} {
		t.Run(c.name, func(t *testing.T) {
			o := newOffice(t)
			token, id := o.access(self, family)
			o.inspect(c.spoil(o, token, id), admin.KindAccess, false, c.want)
		})
	}
}

func (o *office) revoke(token string, r store.Void) string {
	o.t.Helper()
	r.Until = o.now().Add(24 * time.Hour)
	if r.Before.IsZero() {
		r.Before = o.now()
	}
	o.must(o.store.Revoke(o.t.Context(), r))
	return token
}

func TestARevocationOfOthersDoesNotMatter(t *testing.T) {
	o := newOffice(t)
	token, _ := o.access(self, store.FamilyID{})
	for _, r := range []store.Void{
		{Kind: store.RevokedToken, Value: "other"},
		{Kind: store.RevokedFamily, Value: hex.EncodeToString(make([]byte, 16))[:30] + "01"},
		{Kind: store.RevokedUser, Value: "alice", Before: o.now().Add(-time.Second)},
		{Kind: store.RevokedClient, Value: "alice"},
	} {
		o.revoke("", r)
	}
	o.inspect(token, admin.KindAccess, true)
}

func TestWhatIsNoTokenOfThisServer(t *testing.T) {
	o := newOffice(t)
	o.must(o.Keys.Signing.Load(t.Context()))
	n := assertionOf()
	n.Key.Key = []byte(secret)
	for _, c := range []struct{ name, token, kind, want string }{
		{"nothing", "", admin.KindUnknown, "neither a JWT nor a refresh token"},
		{"a word", "hello", admin.KindUnknown, "three parts"},
		{"three parts that are not base64url", "a=.b.c", admin.KindUnknown, "base64url"},
		{"three parts that are not JSON", "YQ.YQ.YQ", admin.KindUnknown, "JSON object"},
		{"a refresh token that was made up", "art_AAAA", admin.KindRefresh, "not a refresh token of this server"},
		{"an assertion of a stranger", o.sign(n), admin.KindUnknown, "issuer list"},
		{"a JWT under our name", func() string { n := n; n.Issuer = self; return o.sign(n) }(), admin.KindAccess, "its key is not one of this server's"},
	} {
		t.Run(c.name, func(t *testing.T) { o.inspect(c.token, c.kind, false, c.want) })
	}
}

func TestWithoutAnIssuerNothingCanBeSaid(t *testing.T) {
	o := newOffice(t)
	o.Self = ""
	_, err := o.Tokens.Inspect(t.Context(), by, "x", false)
	wantFault(t, err, "", admin.CodeRequired, "issuer is missing")
}

func TestAssertionsThatAreBad(t *testing.T) {
	for _, c := range []struct {
		name  string
		spoil func(o *office, n *admin.NewAssertion)
		want  string
	}{
		{"for another server", func(_ *office, n *admin.NewAssertion) { n.Audience = "https://other.example.com" }, "its aud must be"},
		{"expired", func(_ *office, n *admin.NewAssertion) { n.TTL = -time.Hour }, "expired"},
		{"signed with another secret", func(_ *office, n *admin.NewAssertion) { n.Key.Key = []byte(strings.ToUpper(secret)) }, "its signature"},
		{"with an algorithm that was not registered", func(_ *office, n *admin.NewAssertion) { n.Key.Key = newKey(t) }, "its alg"},
		{"of an issuer that is disabled", func(o *office, _ *admin.NewAssertion) {
			_, _, err := o.Issuers.Update(t.Context(), by, idp, admin.IssuerInput{Disabled: ptr(true)})
			o.must(err)
		}, "its issuer is disabled"},
	} {
		t.Run(c.name, func(t *testing.T) {
			o := newOffice(t)
			_, _, err := o.Issuers.Create(t.Context(), by, admin.NewIssuer{Iss: idp, IssuerInput: admin.IssuerInput{Keys: admin.IssuerKeys{Secret: []byte(secret)}}})
			o.must(err)
			n := assertionOf()
			n.Key.Key = []byte(secret)
			c.spoil(o, &n)
			o.inspect(o.sign(n), admin.KindAssertion, false, c.want)
		})
	}
}

// refresh begins a family of bob at web and returns a refresh token of it.
func (o *office) refresh(userID string, generation, presented uint32) string {
	o.t.Helper()
	f := store.Family{
		ID: store.FamilyID{9}, ClientID: "web", UserID: userID, Scope: oauth.Scope{"read"}, Generation: generation,
		CreatedAt: o.now(), ClientNotBefore: o.notBefore(), UserNotBefore: o.notBefore(), IdleExpiresAt: o.now().Add(time.Hour), ExpiresAt: o.now().Add(2 * time.Hour),
	}
	if generation > 1 {
		f.RotatedAt = o.now()
	}
	o.must(o.store.CreateFamily(o.t.Context(), f))
	o.must(o.Keys.Refresh.Load(o.t.Context()))
	codec := &tokens.RefreshCodec{Keys: o.Keys.Refresh}
	token, err := codec.Encode(tokens.Refresh{Family: f.ID, Generation: presented}, o.clock)
	o.must(err)
	return token
}

func TestRefreshTokens(t *testing.T) {
	for _, c := range []struct {
		name                  string
		generation, presented uint32
		then                  func(o *office, userID string)
		good                  bool
		want                  string
	}{
		{"the first of its family is good", 1, 1, nil, true, "the newest"},
		{"one ahead of its family was lost in a failover, and is good", 1, 2, nil, true, "the newest"},
		{"the one before may be retried for a while", 2, 1, nil, true, "may be retried for 10s"},
		{"by the clocks of some servers longer", 2, 1, func(o *office, _ string) { o.clock = o.clock.Add(70 * time.Second) }, true, "may be retried for 10s"},
		{"and then no longer", 2, 1, func(o *office, _ string) { o.clock = o.clock.Add(71 * time.Second) }, false, "exchanged for a newer one"},
		{"an older one never", 3, 1, nil, false, "exchanged for a newer one"},
		{"unused for nearly too long: some servers take it", 1, 1, func(o *office, _ string) { o.clock = o.clock.Add(time.Hour) }, true, "the newest"},
		{"unused for too long", 1, 1, func(o *office, _ string) { o.clock = o.clock.Add(time.Hour + time.Minute) }, false, "unused for too long"},
		{"at the end of its life", 1, 1, func(o *office, _ string) { o.clock = o.clock.Add(2*time.Hour + time.Minute) }, false, "maximum lifetime"},
		{"of a family that was revoked", 1, 1, func(o *office, _ string) {
			o.must(o.store.RevokeFamily(t.Context(), store.FamilyID{9}, storetest.Voiding(store.Void{
				Kind: store.RevokedFamily, Value: "09", Before: o.now(), Until: o.now().Add(time.Hour), Reason: "revoked",
			})))
		}, false, "its family was revoked at"},
		{"of a client that is disabled", 1, 1, func(o *office, _ string) {
			_, _, err := o.Clients.Update(t.Context(), by, "web", admin.ClientInput{Disabled: ptr(true)})
			o.must(err)
		}, false, `its client "web" is disabled`},
		{"of a client that was disabled since", 1, 1, func(o *office, _ string) {
			o.clock = o.clock.Add(time.Second)
			for _, disabled := range []bool{true, false} {
				_, _, err := o.Clients.Update(t.Context(), by, "web", admin.ClientInput{Disabled: &disabled})
				o.must(err)
			}
		}, false, "the client was disabled, or deleted and created again"},
		{"of a client that is gone", 1, 1, func(o *office, _ string) { o.must(o.Clients.Delete(t.Context(), by, "web")) }, false, `its client "web" was deleted`},
		{"of a user who is disabled", 1, 1, func(o *office, id string) {
			_, err := o.Users.Update(t.Context(), by, id, admin.UserInput{Disabled: ptr(true)})
			o.must(err)
		}, false, `its user "bob" is disabled`},
		{"of a user with another password since", 1, 1, func(o *office, id string) {
			o.clock = o.clock.Add(time.Second)
			_, err := o.Users.Update(t.Context(), by, id, admin.UserInput{Password: ptr("looking-glass")})
			o.must(err)
		}, false, "the user got a new password or was disabled"},
		{"of a user who is gone", 1, 1, func(o *office, id string) { o.must(o.Users.Delete(t.Context(), by, id)) }, false, "its family does not exist"},
	} {
		t.Run(c.name, func(t *testing.T) {
			o := newOffice(t)
			u := o.user("bob")
			o.client(admin.NewClient{ID: "web", ClientInput: admin.ClientInput{Grants: []oauth.GrantType{"password", "refresh_token"}}})
			token := o.refresh(u.ID, c.generation, c.presented)
			if c.then != nil {
				c.then(o, u.ID)
			}
			i := o.inspect(token, admin.KindRefresh, c.good, c.want)
			if c.good && (i.Family == nil || i.Family.Presented != c.presented || i.Family.Subject != u.ID) {
				t.Errorf("the family is %+v", i.Family)
			}
		})
	}
}

func FuzzInspect(f *testing.F) {
	for _, seed := range []string{"", "a.b.c", "e30.e30.e30", "art_", "eyJ0eXAiOiJhdCtqd3QifQ.e30.", "eyJ0eXAiOjF9.bnVsbA.x", "bnVsbA.W10.x"} {
		f.Add(seed)
	}
	o := newOffice(f)
	o.minter()
	f.Fuzz(func(t *testing.T, token string) {
		i, err := o.Tokens.Inspect(t.Context(), by, token, false)
		if err != nil || i.Good || len(i.Reasons) == 0 {
			t.Errorf("inspected as %+v, %v", i, err)
		}
	})
}

// inspect says to which client a token is encrypted, whatever algorithms the client has.
func TestWhatIsEncryptedToAClient(t *testing.T) {
	o := newOffice(t)
	public := testkit.JWK(t, testkit.P256(t).Public(), map[string]any{"kid": "of the app"})
	app := o.client(admin.NewClient{ClientInput: signIn(func(in *admin.ClientInput) { in.EncryptionJWK, in.IDTokenEncryptionAlg = public, ptr(jose.ECDHESA256W) })})
	registered, err := jose.CheckClientEncryptionKey(public)
	o.must(err)
	recipient, err := encryption.ParseRecipient(registered)
	o.must(err)
	for _, form := range []encryption.Form{{Alg: jose.ECDHESA256W, Enc: "A128CBC-HS256"}, {Alg: jose.ECDHES, Enc: "A256GCM", Claims: true}} {
		token, err := recipient.Encrypt([]byte("a.b.c"), form)
		o.must(err)
		o.inspect(string(token), admin.KindEncrypted, false, `key "of the app" of client `+app.ClientID)
	}
}

// The handle of a token that is encrypted to a resource shows whether the token was revoked.
func TestAnEncryptedAccessToken(t *testing.T) {
	o := newOffice(t)
	o.resource()
	key, err := jose.CheckEncryptionKey(testkit.JWK(t, testkit.P256(t).Public(), nil))
	o.must(err)
	resource, err := o.store.Resource(t.Context(), api)
	o.must(err)
	resource.EncryptionJWK, resource.EncryptionEnc = key, "A256GCM"
	o.must(o.store.UpdateResource(t.Context(), resource, storetest.By()))
	o.must(o.Keys.Refresh.Load(t.Context()))
	m := o.minter()
	m.Handles = &tokens.Handles{Keys: o.Keys.Refresh}
	minted, err := m.Mint(o.clock, tokens.Access{
		Subject: "alice", ClientID: "web", Audience: []string{api}, Alg: keys.ES256, TTL: 15 * time.Minute, Family: store.FamilyID{1},
		ClientNotBefore: o.notBefore(), SubjectNotBefore: o.notBefore(), Encryption: tokens.Encryption{JWK: string(key), Enc: "A256GCM"},
	})
	o.must(err)
	if i := o.inspect(minted.Token, admin.KindEncrypted, false, "of resource "+api); len(i.Reasons) != 1 {
		t.Errorf("the reasons are %q", reasons(i))
	}
	o.revoke("", store.Void{Kind: store.RevokedToken, Value: minted.ID, Reason: "by itself"})
	o.revoke("", store.Void{Kind: store.RevokedFamily, Value: hex.EncodeToString(append([]byte{1}, make([]byte, 15)...)), Reason: "with its family"})
	o.inspect(minted.Token, admin.KindEncrypted, false, "it was revoked: by itself", "its family was revoked: with its family")
	o.clock = o.clock.Add(time.Hour)
	o.inspect(minted.Token, admin.KindEncrypted, false, "it expired at 2026-03-01T12:15:00Z")
}
