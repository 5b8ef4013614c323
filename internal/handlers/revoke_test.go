package handlers

import (
	"bytes"
	"crypto/ecdsa"
	"encoding/base64"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/lestrrat-go/jwx/v2/jwa"
	"github.com/lestrrat-go/jwx/v2/jwe"

	"authserver/internal/jose"
	"authserver/internal/oauth"
	"authserver/internal/store"
	"authserver/internal/store/storetest"
	"authserver/internal/testkit"
	"authserver/internal/tokens"
)

// revoke revokes a token, and requires the answer of RFC 7009 §2.2: 200, whatever the token was.
func (v visitor) revoke(client, clientSecret, token string) {
	v.Helper()
	a := v.post(RevokePath, client, clientSecret, "token", token)
	if a.status != http.StatusOK || a.body != "{}" || a.header.Get("Content-Type") != "application/json" || a.header.Get("Cache-Control") != "no-store" {
		v.Errorf("answered %d %q, header %v", a.status, a.body, a.header)
	}
}

func (v visitor) active(token string) bool {
	v.Helper()
	return v.introspect("web", token).json(v.TB)["active"] == true
}

func TestRevokeAccessToken(t *testing.T) {
	v := newSite(t).open()
	login, own := v.login(), v.token("web", secret, "grant_type", "client_credentials").text(t, "access_token")
	v.revoke("web", secret, login.text(t, "access_token"))
	if v.active(login.text(t, "access_token")) {
		t.Error("the token is good still")
	}
	if !v.active(own) || !v.active(login.text(t, "refresh_token")) {
		t.Error("another token went with it")
	}
	v.revoke("web", secret, login.text(t, "access_token")) // again
}

// RFC 7009 §2.1: revoking a refresh token also revokes the access tokens of the same grant.
func TestRevokeRefreshToken(t *testing.T) {
	s := newSite(t)
	v := s.open()
	first, bystander := v.login(), v.login()
	second := v.token("web", secret, "grant_type", "refresh_token", "refresh_token", first.text(t, "refresh_token"))
	v.revoke("web", secret, second.text(t, "refresh_token"))
	for _, token := range []string{first.text(t, "access_token"), second.text(t, "access_token"), second.text(t, "refresh_token")} {
		if v.active(token) {
			t.Error("a token of the family is good still")
		}
	}
	v.refused(v.post(TokenPath, "web", secret, "grant_type", "refresh_token", "refresh_token", second.text(t, "refresh_token")), 400, oauth.InvalidGrant)
	if !v.active(bystander.text(t, "access_token")) || !v.active(bystander.text(t, "refresh_token")) {
		t.Error("another login went with it")
	}
	elsewhere := &tokens.View{Store: s.db, Now: s.clock} // another replica
	s.ok(elsewhere.Follow(t.Context()))
	claims, err := s.Verifier.Verify(s.clock(), second.text(t, "access_token"))
	s.ok(err)
	if revoked, err := elsewhere.Revoked(t.Context(), claims); err != nil || !revoked {
		t.Errorf("another replica does not know (%v)", err)
	}
}

// An old generation ends the family too: a client that logs out may not have a newer one.
func TestRevokeRefreshTokenThatWasExchanged(t *testing.T) {
	v := newSite(t).open()
	first := v.login()
	second := v.token("web", secret, "grant_type", "refresh_token", "refresh_token", first.text(t, "refresh_token"))
	v.revoke("web", secret, first.text(t, "refresh_token"))
	if v.active(second.text(t, "refresh_token")) {
		t.Error("the successor is good still")
	}
}

// RFC 7009 §2.1: the server refuses to revoke a token of another client, and the token stays valid.
func TestRevocationIsAuthorised(t *testing.T) {
	s := newSite(t)
	v := s.open()
	login := v.login()
	for _, token := range []string{login.text(t, "access_token"), login.text(t, "refresh_token")} {
		v.refused(v.post(RevokePath, "other", secret, "token", token), 400, oauth.UnauthorizedClient)
		v.refused(v.post(RevokePath, "app", "", "token", token), 400, oauth.UnauthorizedClient)
		v.refused(v.post(RevokePath, "api", secret, "token", token), 400, oauth.UnauthorizedClient) // it may only introspect
		v.refused(v.post(RevokePath, "", "", "token", token), 401, oauth.InvalidClient)
		v.refused(v.post(RevokePath, "web", "wrong", "token", token), 401, oauth.InvalidClient)
		v.refused(v.post(RevokePath, "web", "", "token", token), 401, oauth.InvalidClient)
		if !v.active(token) {
			t.Error("a token was revoked that was not theirs")
		}
	}
	v.refused(v.post(RevokePath, "web", secret), 400, oauth.InvalidRequest)

	// A public client, which cannot authenticate, revokes its own tokens.
	own := v.token("app", "", "grant_type", "password", "username", "alice", "password", password).text(t, "refresh_token")
	v.revoke("app", "", own)
	v.refused(v.post(TokenPath, "app", "", "grant_type", "refresh_token", "refresh_token", own), 400, oauth.InvalidGrant)
}

// RFC 7009 §2.2: invalid tokens do not cause an error.
func TestRevokeWhatIsNotGood(t *testing.T) {
	s := newSite(t)
	v := s.open()
	access := v.login().text(t, "access_token")
	for _, token := range []string{"x", "art_x", "x.y.z", access + "x", vouch(t, "1")} {
		v.revoke("web", secret, token)
	}
	s.wait(15 * time.Minute) // so that it has expired
	v.revoke("web", secret, access)
	v.revoke("other", secret, access)
	if s.View.Len() != 0 {
		t.Errorf("%d revocations were recorded for tokens that were not good", s.View.Len())
	}
}

// An unknown hint is ignored, and a wrong hint does not hide the token (RFC 7009 §2.1: MUST extend
// the search).
func TestRevokeWithAWrongHint(t *testing.T) {
	v := newSite(t).open()
	for _, hint := range []string{"access_token", "refresh_token", "saml"} {
		login := v.login()
		for _, token := range []string{login.text(t, "access_token"), login.text(t, "refresh_token")} {
			if a := v.post(RevokePath, "web", secret, "token", token, "token_type_hint", hint); a.status != http.StatusOK || v.active(token) {
				t.Errorf("with the hint %q: %d", hint, a.status)
			}
		}
	}
}

// encrypt makes the access tokens of the API encrypted to a key, which it returns.
func (s *site) encrypt(t *testing.T) *ecdsa.PrivateKey {
	t.Helper()
	private := testkit.P256(t)
	resource, err := s.db.Resource(t.Context(), apiID)
	s.ok(err)
	resource.EncryptionJWK, err = jose.CheckEncryptionKey(testkit.JWK(t, private.Public(), nil))
	s.ok(err)
	resource.EncryptionEnc = "A256GCM"
	s.ok(s.db.UpdateResource(t.Context(), resource, storetest.By()))
	return private
}

// A client revokes the encrypted token as it is. The signed token inside is void too, although this
// server cannot read it.
func TestRevokeEncryptedAccessToken(t *testing.T) {
	s := newSite(t)
	private := s.encrypt(t)
	v := s.open()
	within := func(token string) string {
		t.Helper()
		signed, err := jwe.Decrypt([]byte(token), jwe.WithKey(jwa.ECDH_ES, private))
		s.ok(err)
		return string(signed)
	}
	first, second := v.login().text(t, "access_token"), v.login().text(t, "access_token")
	for _, who := range []string{"other", "api"} {
		v.refused(v.post(RevokePath, who, secret, "token", first), 400, oauth.UnauthorizedClient)
	}
	if !v.active(within(first)) {
		t.Error("another client revoked it")
	}
	v.revoke("web", secret, first)
	v.revoke("web", secret, first) // again
	if v.active(within(first)) || !v.active(within(second)) {
		t.Error("not the token that was sent is void")
	}
	if s.View.Len() != 1 {
		t.Errorf("%d revocations", s.View.Len())
	}
	elsewhere := &tokens.View{Store: s.db, Now: s.clock} // another replica
	s.ok(elsewhere.Follow(t.Context()))
	if elsewhere.Len() != 1 {
		t.Errorf("another replica knows of %d revocations", elsewhere.Len())
	}
	s.wait(15 * time.Minute) // so that it has expired
	v.revoke("web", secret, second)
	if s.View.Len() != 1 {
		t.Error("the revocation of a token that has expired is recorded")
	}
}

// RFC 7009 §2.2.1: the server does not report a revocation that is impossible.
func TestRevokeWhatIsEncryptedByOthers(t *testing.T) {
	s := newSite(t)
	s.encrypt(t)
	v := s.open()
	header, rest, _ := strings.Cut(v.login().text(t, "access_token"), ".")
	data, err := base64.RawURLEncoding.DecodeString(header)
	s.ok(err)
	member := []byte(`"revocation_handle":"`)
	data[bytes.Index(data, member)+len(member)+60] ^= 1
	for name, token := range map[string]string{
		"of another make":       "eyJhbGciOiJFQ0RILUVTIiwiZW5jIjoiQTI1NkdDTSJ9.AA.AA.AA.AA",
		"no header":             ".AA.AA.AA.AA",
		"a handle that changed": base64.RawURLEncoding.EncodeToString(data) + "." + rest,
	} {
		if a := v.post(RevokePath, "web", secret, "token", token); a.status != 400 || a.text(t, "error") != string(oauth.UnsupportedTokenType) {
			t.Errorf("%s: answered %d %s", name, a.status, a.body)
		}
	}
	if s.View.Len() != 0 {
		t.Errorf("%d revocations were recorded", s.View.Len())
	}
}

// A token without a client has its issuer's name. A client that is registered under that name later
// can neither revoke nor introspect it.
func TestATokenOfAnIssuerIsNoClientsThatCameLater(t *testing.T) {
	s := newSite(t)
	trusted, err := s.db.Issuer(t.Context(), idp)
	s.ok(err)
	trusted.Resources = []string{apiID}
	s.ok(s.db.UpdateIssuer(t.Context(), trusted, storetest.By()))
	v := s.open()
	token := v.token("", "", "grant_type", string(oauth.JWTBearer), "assertion", vouch(t, "1")).text(t, "access_token")
	if !v.introspectedBy("api", token) {
		t.Fatal("the token is not good")
	}
	later, err := s.db.Client(t.Context(), "web")
	s.ok(err)
	later.ID, later.NotBefore, later.CreatedAt = idp, store.Moment{}, store.At(s.clock())
	s.ok(s.db.DeleteIssuer(t.Context(), idp, storetest.By()))
	s.ok(s.db.CreateClient(t.Context(), later, storetest.By())) // while its revocation is not known here yet
	v.refused(v.post(RevokePath, idp, secret, "token", token), 400, oauth.UnauthorizedClient)
	if v.introspectedBy(idp, token) || !v.introspectedBy("api", token) {
		t.Error("the client that came later has it in hand")
	}
}

func (v visitor) introspectedBy(client, token string) bool {
	v.Helper()
	return v.post(IntrospectPath, client, secret, "token", token).json(v.TB)["active"] == true
}
