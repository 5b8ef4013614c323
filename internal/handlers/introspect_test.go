package handlers

import (
	"context"
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/lestrrat-go/jwx/v2/jwa"
	"github.com/lestrrat-go/jwx/v2/jwe"

	"authserver/internal/oauth"
	"authserver/internal/store"
	"authserver/internal/store/storetest"
	"authserver/internal/tokens"
	"authserver/test/openapitest"
)

// introspect sends the request of a confidential client.
func (v visitor) introspect(client, token string) answer {
	v.Helper()
	a := v.post(IntrospectPath, client, secret, "token", token)
	if a.status != http.StatusOK || a.header.Get("Cache-Control") != "no-store" {
		v.Fatalf("answered %d %s, header %v", a.status, a.body, a.header)
	}
	return a
}

func TestIntrospectAccessToken(t *testing.T) {
	s := newSite(t)
	v := s.open()
	token := v.login().text(t, "access_token")
	claims, err := s.Verifier.Verify(s.clock(), token)
	s.ok(err)
	// RFC 7662 §2.2: the claims of the token, and the username.
	want := map[string]any{"active": true, "token_type": "Bearer", "username": "alice"}
	for name, value := range claims.All {
		if number, ok := value.(json.Number); ok {
			value, _ = number.Float64()
		}
		want[name] = value
	}
	if diff := cmp.Diff(want, v.introspect("web", token).json(t)); diff != "" {
		t.Errorf("(-token +answer):\n%s", diff)
	}
	own := v.token("web", secret, "grant_type", "client_credentials").text(t, "access_token")
	if body := v.introspect("web", own).json(t); body["active"] != true || body["username"] != nil {
		t.Errorf("a client's own token: %v", body)
	}
}

// The client to which a token was issued may introspect it, and so may the resources for which it
// is.
func TestIntrospectionIsAuthorised(t *testing.T) {
	s := newSite(t)
	v := s.open()
	login := v.login()
	access, refresh := login.text(t, "access_token"), login.text(t, "refresh_token")
	for _, test := range []struct {
		name, client, token string
		active              bool
	}{
		{"its own access token", "web", access, true},
		{"an access token for what it serves", "api", access, true},
		{"another client's access token", "other", access, false},
		{"its own refresh token", "web", refresh, true},
		{"another client's refresh token", "other", refresh, false},
		{"a refresh token, for the resource", "api", refresh, false},
		{"a token that was made up", "web", "x.y.z", false},
		{"a refresh token that was made up", "web", "art_x", false},
		{"an access token that was changed", "web", access[:len(access)-4] + "AAAA", false},
		{"an assertion", "web", vouch(t, "1"), false},
	} {
		body := v.introspect(test.client, test.token)
		if active := body.json(t)["active"]; active != test.active {
			t.Errorf("%s: %s", test.name, body.body)
		}
		if !test.active && body.body != `{"active":false}` { // RFC 7662 §2.2: SHOULD NOT include any more
			t.Errorf("%s: more is told: %s", test.name, body.body)
		}
	}
	// RFC 7662 §2.1: MUST require some form of authorization.
	v.refused(v.post(IntrospectPath, "", "", "token", access), http.StatusUnauthorized, oauth.InvalidClient)
	v.refused(v.post(IntrospectPath, "app", "", "token", access), http.StatusUnauthorized, oauth.InvalidClient)
	v.refused(v.post(IntrospectPath, "web", "wrong", "token", access), http.StatusUnauthorized, oauth.InvalidClient)
	v.refused(v.do(http.MethodPost, IntrospectPath, "token="+access, map[string]string{
		"Content-Type": "application/x-www-form-urlencoded", "Authorization": "Bearer " + access,
	}), http.StatusUnauthorized, oauth.InvalidClient)
	v.refused(v.post(IntrospectPath, "web", secret), http.StatusBadRequest, oauth.InvalidRequest)
}

func TestIntrospectRefreshToken(t *testing.T) {
	s := newSite(t)
	v := s.open()
	first := v.login().text(t, "refresh_token")
	got := v.introspect("web", first).json(t)
	want := map[string]any{
		"active": true, "client_id": "web", "iss": issuer, "sub": "0199a6f4-0000-7000-8000-000000000001", "username": "alice",
		"scope": "read write", "iat": float64(began.Unix()), "exp": float64(began.Add(time.Hour).Unix()),
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	second := v.token("web", secret, "grant_type", "refresh_token", "refresh_token", first).text(t, "refresh_token")
	active := func(when, token string, want bool) {
		t.Helper()
		if a := v.introspect("web", token); a.json(t)["active"] != want {
			t.Errorf("%s: %s", when, a.body)
		}
	}
	active("one that was exchanged", first, false)
	active("the successor", second, true)
	s.wait(time.Hour)
	active("one that was not used for too long", second, false)

	third := v.login().text(t, "refresh_token")
	user, err := s.db.UserByName(t.Context(), store.ByUsername, "alice")
	s.ok(err)
	user.Disabled = true
	s.ok(s.db.UpdateUser(t.Context(), user, storetest.By()))
	active("one of a user who is disabled", third, false)
	s.ok(s.db.DeleteUser(t.Context(), user.ID, storetest.Voiding(s.Revoker.User(&user, "test"))))
	active("one of a user who is gone", third, false)
}

// A failover may lose the commit of a rotation. The refresh token is then newer than its row, and
// introspection accepts it, as the token endpoint does.
func TestIntrospectRefreshTokenThatIsAhead(t *testing.T) {
	s := newSite(t)
	v := s.open()
	presented, err := s.Codec.Decode(v.login().text(t, "refresh_token"))
	s.ok(err)
	presented.Generation += 2
	ahead, err := s.Codec.Encode(presented, store.At(began))
	s.ok(err)
	if body := v.introspect("web", ahead).json(t); body["active"] != true {
		t.Errorf("it is %v", body)
	}
	v.token("web", secret, "grant_type", "refresh_token", "refresh_token", ahead)
	if body := v.introspect("web", ahead).json(t); body["active"] != false {
		t.Errorf("after it was exchanged it is %v", body)
	}
}

// A refresh token is void as soon as the view knows its revocation, even if the cache still has the
// earlier row of its user.
func TestIntrospectRefreshTokenBesideACache(t *testing.T) {
	s := newSite(t)
	user, err := s.db.UserByName(t.Context(), store.ByUsername, "alice")
	s.ok(err)
	s.Introspect.Tokens.Users = cachedUser{user}
	v := s.open()
	token := v.login().text(t, "refresh_token")
	if !v.active(token) {
		t.Fatal("the token is not good")
	}
	void := s.Revoker.User(&user, "test")
	s.ok(s.db.UpdateUser(t.Context(), user, storetest.Voiding(void)))
	s.ok(s.View.Follow(t.Context()))
	if v.active(token) {
		t.Error("the token is good")
	}
}

// cachedUser is a user as it was read some time ago.
type cachedUser struct{ user store.User }

func (c cachedUser) User(context.Context, string) (store.User, error) { return c.user, nil }

// After a revocation by another process, tokens are void here as soon as the view has followed, and
// later tokens are good.
func TestIntrospectionObeysRevocations(t *testing.T) {
	s := newSite(t)
	v := s.open()
	for _, test := range []struct {
		name string
		do   func(token string)
	}{
		{name: "of the user", do: func(string) {
			u, err := s.db.UserByName(t.Context(), store.ByUsername, "alice")
			s.ok(err)
			void := s.Revoker.User(&u, "test")
			s.ok(s.db.UpdateUser(t.Context(), u, storetest.Voiding(void)))
		}},
		{name: "of the client", do: func(string) {
			c, err := s.db.Client(t.Context(), "web")
			s.ok(err)
			void := s.Revoker.Client(&c, "test")
			s.ok(s.db.UpdateClient(t.Context(), c, storetest.Voiding(void)))
		}},
		{name: "of the token", do: func(token string) {
			claims, err := s.Verifier.Verify(s.clock(), token)
			s.ok(err)
			elsewhere := *s.Revoker // another replica
			elsewhere.View = &tokens.View{Store: s.db, Now: s.clock}
			s.ok(elsewhere.Token(t.Context(), "test", claims.ID, claims.ExpiresAt))
		}},
	} {
		t.Run(test.name, func(t *testing.T) {
			v := v
			v.TB = t
			token := v.login().text(t, "access_token")
			s.wait(time.Second)
			if a := v.introspect("web", token); a.json(t)["active"] != true {
				t.Fatalf("before: %s", a.body)
			}
			test.do(token)
			s.ok(s.View.Follow(t.Context()))
			if a := v.introspect("web", token); a.json(t)["active"] != false {
				t.Errorf("after: %s", a.body)
			}
			s.wait(time.Second)
			if a := v.introspect("web", v.login().text(t, "access_token")); a.json(t)["active"] != true {
				t.Errorf("one that was issued afterwards: %s", a.body)
			}
		})
	}
}

// Introspection of an access token does not need the database.
func TestIntrospectionWithoutTheDatabase(t *testing.T) {
	s := newSite(t)
	v := s.open()
	token := v.login().text(t, "access_token")
	s.Introspect.Tokens.Users, s.Introspect.Tokens.Families = outage{}, outage{}
	body := v.introspect("web", token)
	if body.json(t)["active"] != true || strings.Contains(body.body, "username") {
		t.Errorf("answered %s", body.body)
	}
}

// A server that has just started and does not know the revocations yet calls no token active, and
// does everything else.
func TestIntrospectBeforeWhatIsRevokedIsLoaded(t *testing.T) {
	s := newSite(t)
	s.View = &tokens.View{Store: s.db, Now: s.clock}
	s.Introspect.Tokens.View = s.View
	v := s.visit(s.public(time.Second), openapitest.New(t).HostileClient(nil))
	token := v.login().text(t, "access_token")
	v.refused(v.post(IntrospectPath, "web", secret, "token", token), http.StatusServiceUnavailable, oauth.Unavailable)
	s.ok(s.View.Follow(t.Context()))
	if a := v.introspect("web", token); a.json(t)["active"] != true {
		t.Errorf("when it is loaded: %s", a.body)
	}
}

// The server cannot decrypt a token that is encrypted to a resource. "Inactive" would be wrong for
// a good token, so the answer tells the API to send the token inside.
func TestIntrospectEncryptedAccessToken(t *testing.T) {
	s := newSite(t)
	private := s.encrypt(t)
	v := s.open()
	inside := func(token string) string {
		t.Helper()
		signed, err := jwe.Decrypt([]byte(token), jwe.WithKey(jwa.ECDH_ES, private))
		s.ok(err)
		return string(signed)
	}
	first, second := v.login(), v.login()
	token := first.text(t, "access_token")
	for _, who := range []string{"web", "api"} {
		if a := v.post(IntrospectPath, who, secret, "token", token); a.status != 400 || a.text(t, "error") != "invalid_request" || !strings.Contains(a.text(t, "error_description"), "decrypt it") {
			t.Errorf("%s: answered %d %s", who, a.status, a.body)
		}
		if !v.introspectedBy(who, inside(token)) {
			t.Errorf("%s: the token inside is not active", who)
		}
	}
	inactive := func(name, token string) {
		t.Helper()
		if a := v.introspect("web", token); a.status != 200 || strings.TrimSpace(a.body) != `{"active":false}` {
			t.Errorf("%s: answered %d %s", name, a.status, a.body)
		}
	}
	inactive("of another make", "eyJhbGciOiJFQ0RILUVTIiwiZW5jIjoiQTI1NkdDTSJ9.AA.AA.AA.AA")
	v.revoke("web", secret, token)
	inactive("one that was revoked", token)
	v.revoke("web", secret, second.text(t, "refresh_token"))
	inactive("one whose login was ended", second.text(t, "access_token"))
	third := v.login().text(t, "access_token")
	s.wait(15 * time.Minute)
	inactive("one that has expired", third)
}
