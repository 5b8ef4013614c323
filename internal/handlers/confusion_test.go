package handlers

import (
	"crypto/rand"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"authserver/internal/oidc"
	"authserver/internal/store"
	"authserver/internal/tokens"
	"authserver/test/browser"
)

// kinds makes one of everything that the server signs or seals in a sign-in. All of them are for
// the same client and person, and valid.
func kinds(s *site, b *browser.Browser, v visitor) map[string]string {
	got := v.token("web-app", secret, "grant_type", "authorization_code", "code", b.Open(authorization("web-app")).Sent(s, appCallback).Get("code"),
		"redirect_uri", appCallback, "code_verifier", verifier)
	client, err := s.db.Client(s.Context(), "web-app")
	s.ok(err)
	signer := s.Userinfo.Persons.Signer.(*tokens.Minter)
	logoutToken, err := (&oidc.LogoutTokens{Issuer: issuer, Signer: signer, Encrypter: &oidc.Encrypter{}, Rand: rand.Reader}).LogoutToken(s.clock(), client, aliceID, store.SessionID{1})
	s.ok(err)
	base, err := url.Parse(b.Base)
	s.ok(err)
	pushed, _ := v.push("web-app", secret)
	asked, err := url.Parse(pushed)
	s.ok(err)
	return map[string]string{
		"access token": got.text(s, "access_token"), "refresh token": got.text(s, "refresh_token"), "ID token": got.text(s, "id_token"),
		"logout token": logoutToken,
		"code":         b.Open(authorization("web-app")).Sent(s, appCallback).Get("code"),
		"continuation": b.Open(authorization("web-app", "prompt", "login")).Fields.Get("continue"),
		"request_uri":  asked.Query().Get("request_uri"),
		"cookie":       b.Client.Jar.Cookies(base)[0].Value,
	}
}

// doors are the places where the server accepts such a value. Each reports whether it was accepted.
func doors(s *site, b *browser.Browser, v visitor) map[string]func(string) bool {
	granted := func(parameters ...string) bool {
		return v.post(TokenPath, "web-app", secret, parameters...).status == http.StatusOK
	}
	shown := func(p browser.Page) bool { return p.Left == nil && p.Status == http.StatusOK }
	answered := func(p browser.Page) bool { return p.Left != nil && strings.Contains(p.Left.RawQuery, "code=") }
	return map[string]func(string) bool{
		"userinfo": func(it string) bool {
			return v.do(http.MethodGet, UserinfoPath, "", map[string]string{"Authorization": "Bearer " + it}).status == http.StatusOK
		},
		"introspection": func(it string) bool {
			return v.post(IntrospectPath, "web-app", secret, "token", it).json(s)["active"] == true
		},
		"code": func(it string) bool {
			return granted("grant_type", "authorization_code", "code", it, "redirect_uri", appCallback, "code_verifier", verifier)
		},
		"refresh_token": func(it string) bool { return granted("grant_type", "refresh_token", "refresh_token", it) },
		"assertion": func(it string) bool {
			return granted("grant_type", "urn:ietf:params:oauth:grant-type:jwt-bearer", "assertion", it)
		},
		"client_assertion": func(it string) bool {
			return v.post(TokenPath, "", "", "grant_type", "client_credentials", "client_id", "web-app", "client_assertion", it,
				"client_assertion_type", "urn:ietf:params:oauth:client-assertion-type:jwt-bearer").status == http.StatusOK
		},
		"id_token_hint": func(it string) bool {
			return answered(b.Open(authorization("web-app", "prompt", "none", "id_token_hint", it)))
		},
		"id_token_hint of a logout": func(it string) bool {
			return shown(s.browser(b.Base).Open(logout("id_token_hint", it)))
		},
		"request": func(it string) bool {
			p := b.Open(authorization("web-app", "request", it))
			return shown(p) || answered(p)
		},
		"request_uri": func(it string) bool {
			return answered(b.Open(AuthorizePath + "?" + url.Values{"client_id": {"web-app"}, "request_uri": {it}}.Encode()))
		},
		"continue of a login":   func(it string) bool { return shown(b.Open(LoginPath + "?continue=" + url.QueryEscape(it))) },
		"continue of a consent": func(it string) bool { return shown(b.Open(ConsentPath + "?continue=" + url.QueryEscape(it))) },
		"continue": func(it string) bool {
			return shown(b.Open(AuthorizePath + "?continue=" + url.QueryEscape(it)))
		},
		"cookie": func(it string) bool {
			base, err := url.Parse(b.Base)
			s.ok(err)
			thief := s.browser(b.Base)
			thief.Client.Jar.SetCookies(base, []*http.Cookie{{Name: "session", Value: it, Path: "/"}})
			return answered(thief.Open(authorization("web-app", "prompt", "none")))
		},
	}
}

// A value that the server signs or seals for one purpose is not accepted for another (RFC 8725 §2.8
// and §3.12, OpenID Connect Core §16.9, Back-Channel Logout 1.0 §2.6, RFC 9700 §4.5).
func TestNothingIsTakenForAnother(t *testing.T) {
	s, b, v := people(t)
	b.Approve(b.SignIn(b.Open(authorization("web-app")), "alice", password)).Sent(t, appCallback)
	good := map[string][]string{
		"access token": {"userinfo", "introspection"}, "refresh token": {"introspection", "refresh_token"},
		"ID token": {"id_token_hint", "id_token_hint of a logout"}, "code": {"code"}, "request_uri": {"request_uri"}, "cookie": {"cookie"},
		"continuation": {"continue", "continue of a consent", "continue of a login"}, "logout token": nil,
	}
	s.wait(time.Second) // so that prompt=login shows the login page
	taken := doors(s, b, v)
	made := kinds(s, b, v)
	for _, kind := range slices.Sorted(maps.Keys(made)) {
		for _, door := range slices.Sorted(maps.Keys(taken)) {
			if slices.Contains(good[kind], door) {
				continue
			}
			if taken[door](made[kind]) {
				t.Errorf("the %s is taken as %s", kind, door)
			}
		}
	}
	// The attempts used nothing up: each value is still accepted for its own purpose. The ID token
	// comes last, because it ends the session.
	for _, kind := range slices.Backward(slices.Sorted(maps.Keys(made))) {
		for _, door := range good[kind] {
			if !taken[door](made[kind]) {
				t.Errorf("the %s is not taken as %s", kind, door)
			}
		}
	}
}
