package handlers

import (
	"encoding/hex"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"authserver/internal/store/storetest"
	"authserver/internal/tokens"
)

// TestWhatIsLoggedOfATokenThatEnded: each endpoint that finds a token of an ended login names
// the user and the family, by which an operator finds out why.
func TestWhatIsLoggedOfATokenThatEnded(t *testing.T) {
	s, b, v := people(t)
	approved := b.Approve(b.SignIn(b.Open(authorization("spa")), "alice", password))
	redeem := func(code string) answer {
		body := url.Values{"client_id": {"spa"}, "grant_type": {"authorization_code"}, "code": {code}, "redirect_uri": {spaCallback}, "code_verifier": {verifier}}
		return v.do(http.MethodPost, TokenPath, body.Encode(), map[string]string{"Content-Type": "application/x-www-form-urlencoded"})
	}
	signedIn := redeem(approved.Sent(t, spaCallback).Get("code")).text(t, "access_token")
	again := b.Open(authorization("spa")).Sent(t, spaCallback).Get("code")
	redeem(again).text(t, "access_token")
	login := v.login()
	access, refresh := login.text(t, "access_token"), login.text(t, "refresh_token")
	claims, err := s.Verifier.Verify(s.clock(), access)
	s.ok(err)
	spas, err := s.Verifier.Verify(s.clock(), signedIn)
	s.ok(err)
	v.post(RevokePath, "web", secret, "token", access)
	family := `"family":"` + hex.EncodeToString(claims.Parsed.Family[:]) + `"`
	sub := `"sub":"` + aliceID + `"`
	for _, want := range []string{sub, family, `"jti":"` + claims.ID + `"`, `"outcome":"revoked"`} {
		if line := lastLine(s.log.String()); !strings.Contains(line, want) {
			t.Errorf("revocation of the access token: %s is not in %s", want, line)
		}
	}
	by := tokens.By{Actor: storetest.By().Actor, Reason: "revoked_by_operator"}
	for _, id := range []tokens.Claims{claims, spas} {
		s.ok(s.Revoker.Family(t.Context(), by, id.Parsed.Family))
	}
	s.ok(s.View.Follow(t.Context()))
	s.wait(time.Second)
	for _, test := range []struct {
		name string
		do   func()
		want []string
	}{
		{"introspection of the access token", func() { v.introspect("web", access) }, []string{sub, family, `"outcome":"inactive"`}},
		{"introspection of the refresh token", func() { v.introspect("web", refresh) }, []string{
			sub, family, `"username":"alice"`, `"outcome":"inactive"`, `"revoked_at":"`, `"revocation_reason":"revoked_by_operator"`,
		}},
		{"userinfo", func() {
			v.do(http.MethodGet, UserinfoPath, "", map[string]string{"Authorization": "Bearer " + signedIn})
		}, []string{
			`"reason":"access_token_revoked"`, sub, `"family":"` + hex.EncodeToString(spas.Parsed.Family[:]) + `"`, `"jti":"` + spas.ID + `"`,
		}},
		{"a code that comes again", func() { redeem(again) }, []string{
			`"level":"WARN"`, `"audit":true`, `"reason":"code_replayed"`, sub, `"username":"alice"`, `"family":"`,
		}},
	} {
		test.do()
		line := lastLine(s.log.String())
		for _, want := range test.want {
			if !strings.Contains(line, want) {
				t.Errorf("%s: %s is not in %s", test.name, want, line)
			}
		}
	}
}

// TestWhatIsLoggedOfAPageOfAnError: the page that a person sees repeats nothing of the address,
// which a stranger may have written, and the log names the client and what it sent.
func TestWhatIsLoggedOfAPageOfAnError(t *testing.T) {
	s, _, v := people(t)
	for path, want := range map[string]string{
		AuthorizePath + "?response_type=code&client_id=spa&redirect_uri=https://elsewhere.example.com/cb":   `redirect_uri \"https://elsewhere.example.com/cb\"`,
		AuthorizePath + "?response_type=code&client_id=nosuch&redirect_uri=https://elsewhere.example.com":   `client_id \"nosuch\"`,
		AuthorizePath + "?response_type=code&client_id=spa&scope=openid":                                    `"claimed_client_id":"spa"`,
		EndSessionPath + "?client_id=spa&post_logout_redirect_uri=https://elsewhere.example.com/signed-out": `client \"spa\" sent post_logout_redirect_uri \"https://elsewhere.example.com/signed-out\"`,
	} {
		a := v.do(http.MethodGet, path, "", nil)
		if line := lastLine(s.log.String()); a.status != http.StatusBadRequest || !strings.Contains(line, want) {
			t.Errorf("%s: answered %d, and %s is not in %s", path, a.status, want, line)
		}
		if strings.Contains(a.body, "elsewhere") || strings.Contains(a.body, "nosuch") {
			t.Errorf("%s: the page repeats what was sent", path)
		}
	}
}
