package handlers

import (
	"encoding/base64"
	"net/http"
	"net/url"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"authserver/internal/store/storetest"
	"authserver/internal/tokens"
)

// TestWhatIsLoggedOfATokenThatEnded: each endpoint that gets a token of an ended login logs the
// user and the family, by which an operator finds the reason.
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
	family := `"family":"` + claims.Parsed.Family.String() + `"`
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
			`"reason":"access_token_revoked"`, sub, `"family":"` + spas.Parsed.Family.String() + `"`, `"jti":"` + spas.ID + `"`,
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

// TestWhyATokenIsNotActive: the answers give no reason. The log line of the request has the reason
// and no part of the token. The reasons are those of docs/errors.md.
func TestWhyATokenIsNotActive(t *testing.T) {
	s := newSite(t)
	v := s.open()
	page, err := os.ReadFile("../../docs/errors.md")
	s.ok(err)
	login := v.login()
	access, refresh := login.text(t, "access_token"), login.text(t, "refresh_token")
	withHeader := func(member, value string) string {
		parts := strings.Split(access, ".")
		header, err := base64.RawURLEncoding.DecodeString(parts[0])
		s.ok(err)
		header = regexp.MustCompile(`"`+member+`":"[^"]*"`).ReplaceAll(header, []byte(`"`+member+`":"`+value+`"`))
		return base64.RawURLEncoding.EncodeToString(header) + "." + parts[1] + "." + parts[2]
	}
	again := v.login()
	revoked, revokedRefresh := again.text(t, "access_token"), again.text(t, "refresh_token")
	v.post(RevokePath, "web", secret, "token", revokedRefresh)
	exchanged := v.login().text(t, "refresh_token")
	v.token("web", secret, "grant_type", "refresh_token", "refresh_token", exchanged).text(t, "refresh_token")
	s.ok(s.View.Follow(t.Context()))
	check := func(name, client, token, reason string, revocable bool) {
		t.Helper()
		line := func(a answer) string {
			if a.status != http.StatusOK || strings.Contains(a.body, reason) {
				t.Errorf("%s: answered %d %s", name, a.status, a.body)
			}
			return lastLine(s.log.String())
		}
		lines := map[string]string{`"outcome":"inactive"`: line(v.post(IntrospectPath, client, secret, "token", token))}
		if revocable {
			lines[`"outcome":"ignored"`] = line(v.post(RevokePath, client, secret, "token", token))
		}
		for outcome, line := range lines {
			if !strings.Contains(line, outcome) || !strings.Contains(line, `"reason":"`+reason+`"`) {
				t.Errorf("%s: %s and the reason %s are not in %s", name, outcome, reason, line)
			}
			for _, part := range strings.Split(token, ".") {
				if len(part) > 3 && strings.Contains(line, part) {
					t.Errorf("%s: a part of the token is in %s", name, line)
				}
			}
		}
		if !strings.Contains(string(page), "| `"+reason+"` |") {
			t.Errorf("docs/errors.md lacks %s", reason)
		}
	}
	check("a text that is no token", "web", "secret-text", "access_token_malformed", true)
	check("a JWT of another type", "web", withHeader("typ", "logout+jwt"), "access_token_other_kind", true)
	check("a token of a key that is not published", "web", withHeader("kid", "nosuchkey"), "access_token_unknown_key", true)
	check("an assertion", "web", vouch(t, "1"), "access_token_unknown_key", true)
	check("a token that was changed", "web", access[:len(access)-4]+"AAAA", "access_token_signature", true)
	check("a token that was revoked", "web", revoked, "access_token_revoked", false)
	check("another client's token", "other", access, "token_of_another_client", false)
	check("an encrypted token of another server", "web", "e30.a.b.c.d", "token_encrypted", false)
	check("a refresh token that was made up", "web", "art_secret-text", "refresh_forged", true)
	check("another client's refresh token", "other", refresh, "refresh_wrong_client", false)
	check("a refresh token that was revoked", "web", revokedRefresh, "refresh_revoked", false)
	check("a refresh token that was exchanged", "web", exchanged, "refresh_exchanged", false)
	s.wait(time.Hour)
	check("a token that expired", "web", access, "access_token_expired", true)
	check("a refresh token that was unused for too long", "web", refresh, "refresh_expired", false)
	for _, want := range []string{`"sub":"` + aliceID + `"`, `"family":"`} { // of a token that this server signed
		v.introspect("web", access)
		if line := lastLine(s.log.String()); !strings.Contains(line, want) {
			t.Errorf("a token that expired: %s is not in %s", want, line)
		}
	}
}

// TestWhatIsLoggedOfAPageOfAnError: the page for the person repeats nothing of the address, which
// an attacker may have written. The log names the client and what the client sent.
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
