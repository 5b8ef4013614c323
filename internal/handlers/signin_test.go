package handlers

import (
	"encoding/base64"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"authserver/test/browser"
)

// people is a site where people sign in.
func people(t *testing.T) (*site, *browser.Browser, visitor) {
	t.Helper()
	s := newSite(t)
	s.people()
	v := s.open()
	return s, s.browser(v.base), v
}

// This is the whole way: sign-in, consent, code, tokens, refresh.
func TestSignIn(t *testing.T) {
	_, b, v := people(t)
	login := b.Open(authorization("web-app"))
	if _, is := login.IDs["username"]; !is || login.URL.Path != LoginPath {
		t.Fatalf("not the login page: %v %s", login.URL, login.Body)
	}
	consent := b.SignIn(login, "alice", password)
	for _, says := range []string{"The Web App", "app.example.com", "read"} {
		if !strings.Contains(consent.Body, says) {
			t.Errorf("the consent page does not say %q: %s", says, consent.Body)
		}
	}
	answer := b.Approve(consent).Sent(t, "https://app.example.com/callback?tenant=1&")
	if answer.Get("state") != "the state" || answer.Get("iss") != issuer || !strings.HasPrefix(answer.Get("code"), "aco_") { // RFC 9207 §2
		t.Fatalf("answered %v", answer)
	}
	tokens := v.token("web-app", secret, "grant_type", "authorization_code", "code", answer.Get("code"), "redirect_uri", appCallback, "code_verifier", verifier).json(t)
	if tokens["scope"] != "openid read" || tokens["refresh_token"] == nil {
		t.Errorf("got %v", tokens)
	}
	claims := decoded(t, tokens["access_token"].(string))
	if claims["sub"] != "0199a6f4-0000-7000-8000-000000000001" || claims["acr"] != "1" || claims["auth_time"] != float64(began.Unix()) {
		t.Errorf("the access token says %v", claims)
	}
	refreshed := v.token("web-app", secret, "grant_type", "refresh_token", "refresh_token", tokens["refresh_token"].(string)).json(t)
	if diff := cmp.Diff("openid read", refreshed["scope"]); diff != "" {
		t.Error(diff)
	}
	// One login is good for all clients, and the server remembers the consent.
	b.Open(authorization("web-app")).Sent(t, "https://app.example.com/")
	b.Open(authorization("second")).Sent(t, "https://second.example.com/cb?code=")
	if again := b.Open(authorization("spa")); again.URL.Path != ConsentPath {
		t.Errorf("another app is not asked for: %v", again.URL)
	}
}

func decoded(t testing.TB, token string) map[string]any {
	t.Helper()
	payload := strings.Split(token, ".")[1]
	body, err := base64.RawURLEncoding.DecodeString(payload)
	if err != nil {
		t.Fatal(err)
	}
	return answer{body: string(body)}.json(t)
}

// RFC 6749 §4.1.2, RFC 9700 §4.5: a second use of a code ends the tokens of the first.
func TestCodeIsGoodOnce(t *testing.T) {
	_, b, v := people(t)
	code := b.Approve(b.SignIn(b.Open(authorization("spa")), "alice", password)).Sent(t, spaCallback).Get("code")
	exchange := []string{"grant_type", "authorization_code", "code", code, "redirect_uri", spaCallback, "code_verifier", verifier}
	tokens := v.token("spa", "", exchange...)
	v.refused(v.post(TokenPath, "spa", "", exchange...), http.StatusBadRequest, "invalid_grant")
	v.refused(v.post(TokenPath, "spa", "", "grant_type", "refresh_token", "refresh_token", tokens.text(t, "refresh_token")), http.StatusBadRequest, "invalid_grant")
	if got := v.post(IntrospectPath, "api", secret, "token", tokens.text(t, "access_token")); got.json(t)["active"] != false {
		t.Errorf("the access token lives on: %s", got.body)
	}
}

// These bind a code: RFC 6749 §10.5, RFC 7636 §4.6, RFC 9700 §2.1.1, §4.5 and §4.8.
func TestCodeIsBound(t *testing.T) {
	s, b, v := people(t)
	home := b.Approve(b.SignIn(b.Open(authorization("spa")), "alice", password))
	home.Sent(t, spaCallback)
	b.Approve(b.Open(authorization("web-app"))).Sent(t, "https://app.example.com/")
	fresh := func(client string, changes ...string) string {
		return b.Open(authorization(client, changes...)).Sent(t, "http").Get("code")
	}
	good := func(code string) []string {
		return []string{"grant_type", "authorization_code", "code", code, "redirect_uri", spaCallback, "code_verifier", verifier}
	}
	for _, test := range []struct {
		name, client, secret string
		code                 []string // changes of the authorization request
		changes              []string // of the token request
	}{
		{"another client", "web-app", secret, nil, nil},
		{"another redirect URI", "spa", "", nil, []string{"redirect_uri", "http://127.0.0.1:9999/callback"}},
		{"no redirect URI", "spa", "", nil, []string{"redirect_uri", ""}},
		{"another verifier", "spa", "", nil, []string{"code_verifier", strings.Repeat("x", 43)}},
		{"the challenge for the verifier", "spa", "", nil, []string{"code_verifier", challenge()}},
		{"no verifier", "spa", "", nil, []string{"code_verifier", ""}},
		{"a verifier that is too short", "spa", "", nil, []string{"code_verifier", "short"}},
		{"a key that it does not prove", "spa", "", []string{"dpop_jkt", challenge()}, nil},
		{"a code that was cut", "spa", "", nil, []string{"code", "aco_AAAA"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			v := v
			v.TB = t
			code := fresh("spa", test.code...)
			parameters := good(code)
			for i := 0; i < len(test.changes); i += 2 {
				for k := 0; k < len(parameters); k += 2 {
					if parameters[k] == test.changes[i] {
						parameters[k+1] = test.changes[i+1]
					}
				}
			}
			v.refused(v.post(TokenPath, test.client, test.secret, parameters...), http.StatusBadRequest, "invalid_grant")
			if test.code == nil {
				v.token("spa", "", good(code)...) // after a refusal the code is still good
			}
		})
	}
	t.Run("a verifier where there was no challenge", func(t *testing.T) {
		v := v
		v.TB = t
		code := fresh("second", "code_challenge", "", "code_challenge_method", "")
		v.refused(v.post(TokenPath, "second", secret, "grant_type", "authorization_code", "code", code, "redirect_uri", "https://second.example.com/cb", "code_verifier", verifier), http.StatusBadRequest, "invalid_grant")
	})
	t.Run("a code that expired", func(t *testing.T) {
		v := v
		v.TB = t
		code := fresh("spa")
		s.wait(codeLife)
		v.refused(v.post(TokenPath, "spa", "", good(code)...), http.StatusBadRequest, "invalid_grant")
	})
}

// Before client and redirect URI are validated, the server sends nothing to either (RFC 6749
// §4.1.2.1, RFC 9700 §4.11).
func TestNothingIsSentToStrangers(t *testing.T) {
	_, b, _ := people(t)
	for name, path := range map[string]string{
		"no client":                     authorization("web-app", "client_id", ""),
		"an unknown client":             authorization("web-app", "client_id", "unknown"),
		"another's redirect URI":        authorization("web-app", "redirect_uri", spaCallback),
		"a redirect URI that is longer": authorization("web-app", "redirect_uri", appCallback+"&next=https://evil.example"),
		"no redirect URI with openid":   authorization("web-app", "redirect_uri", ""),
		"two redirect URIs":             authorization("web-app") + "&redirect_uri=https://evil.example/",
		"two clients":                   authorization("web-app") + "&client_id=spa",
		"a client without one":          authorization("web-app", "client_id", "web"),
		"a damaged continuation":        AuthorizePath + "?continue=AAAA",
		"a continuation of nothing":     AuthorizePath + "?continue=",
		"nothing":                       AuthorizePath,
		"too much":                      authorization("web-app", "state", strings.Repeat("s", 6000)),
		"login without a request":       LoginPath,
		"consent without a request":     ConsentPath,
	} {
		t.Run(name, func(t *testing.T) {
			b := *b
			b.TB = t
			p := b.Open(path)
			_, says := p.IDs["error"]
			if p.Left != nil || p.Status != http.StatusBadRequest || !says || !strings.Contains(p.Body, p.Header.Get("X-Request-Id")) {
				t.Errorf("answered %d, sent to %v: %s", p.Status, p.Left, p.Body)
			}
		})
	}
}

// The client gets all other errors of a request (RFC 6749 §4.1.2.1, OpenID Connect Core §3.1.2.6),
// with any state (RFC 6749 §10.14).
func TestClientIsTold(t *testing.T) {
	_, b, _ := people(t)
	for _, test := range []struct {
		name, path, code string
	}{
		{"no response type", authorization("web-app", "response_type", ""), "invalid_request"},
		{"an unknown response type", authorization("web-app", "response_type", "device"), "unsupported_response_type"},
		{"a response type from before PKCE", authorization("web-app", "response_type", "token"), "unauthorized_client"},
		{"a response mode that is not known", authorization("web-app", "response_mode", "jwt"), "invalid_request"},
		{"a repeated parameter", authorization("web-app") + "&scope=read", "invalid_request"},
		{"a bad escape", authorization("web-app") + "&x=%zz", "invalid_request"},
		{"a scope that is not the client's", authorization("web-app", "scope", "admin"), "invalid_scope"},
		{"a malformed scope", authorization("web-app", "scope", `re"ad`), "invalid_scope"},
		{"a resource that is not the client's", authorization("web-app", "resource", "https://other.example.com"), "invalid_target"},
		{"no PKCE of a public client (RFC 9700 §2.1.1)", authorization("spa", "code_challenge", "", "code_challenge_method", ""), "invalid_request"},
		{"no PKCE without a nonce", authorization("web-app", "code_challenge", "", "code_challenge_method", "", "nonce", ""), "invalid_request"},
		{"PKCE plain (RFC 9700 §2.1.1)", authorization("web-app", "code_challenge_method", "plain"), "invalid_request"},
		{"PKCE without a method, which means plain", authorization("web-app", "code_challenge_method", ""), "invalid_request"},
		{"a challenge that is no hash", authorization("web-app", "code_challenge", "short"), "invalid_request"},
		{"prompt none, and no one is signed in", authorization("web-app", "prompt", "none"), "login_required"},
		{"prompt none with another", authorization("web-app", "prompt", "none login"), "invalid_request"},
		{"an unknown prompt", authorization("web-app", "prompt", "dance"), "invalid_request"},
		{"a max_age that is no number", authorization("web-app", "max_age", "-1"), "invalid_request"},
		{"claims that are no JSON", authorization("web-app", "claims", "{"), "invalid_request"},
		{"a registration", authorization("web-app", "registration", "{}"), "registration_not_supported"},
		{"a request object by reference", authorization("web-app", "request_uri", "https://app.example.com/request"), "request_uri_not_supported"},
		{"a state that would be a header", authorization("web-app", "scope", "admin", "state", "x\r\nSet-Cookie: a=b"), "invalid_scope"},
	} {
		t.Run(test.name, func(t *testing.T) {
			b := *b
			b.TB = t
			p := b.Open(test.path)
			answer := p.Sent(t, "http")
			asked, err := url.Parse(test.path)
			if err != nil {
				t.Fatal(err)
			}
			if answer.Get("error") != test.code || answer.Get("iss") != issuer || answer.Get("state") != asked.Query().Get("state") || answer.Get("error_description") == "" {
				t.Errorf("answered %v", answer)
			}
			if p.Header.Get("Set-Cookie") != "" || p.Header.Get("Cache-Control") != "no-store" || p.Header.Get("Referrer-Policy") != "no-referrer" {
				t.Errorf("header %v", p.Header)
			}
		})
	}
}

func TestResponseModes(t *testing.T) {
	_, b, _ := people(t)
	b.Approve(b.SignIn(b.Open(authorization("web-app")), "alice", password)).Sent(t, "https://app.example.com/")
	fragment := b.Open(authorization("web-app", "response_mode", "fragment"))
	fragment.Sent(t, "https://app.example.com/callback?tenant=1#code=")
	posted := b.Open(authorization("web-app", "response_mode", "form_post"))
	if posted.Status != http.StatusOK || posted.Action != appCallback || posted.Fields.Get("state") != "the state" || posted.Fields.Get("iss") != issuer || posted.Fields.Get("code") == "" {
		t.Errorf("answered %d %s %v: %s", posted.Status, posted.Action, posted.Fields, posted.Body)
	}
	if csp := posted.Header.Get("Content-Security-Policy"); !strings.Contains(csp, "https://app.example.com") {
		t.Errorf("the policy is %q", csp)
	}
}

// OpenID Connect Core §3.1.2.1.
func TestPrompts(t *testing.T) {
	s, b, v := people(t)
	b.Approve(b.SignIn(b.Open(authorization("web-app")), "alice", password)).Sent(t, "https://app.example.com/")
	shows := func(path, at string) browser.Page {
		t.Helper()
		p := b.Open(path)
		if p.Left != nil || p.URL.Path != at {
			t.Fatalf("%s: the browser is at %v, was sent to %v, and not at %s", path, p.URL, p.Left, at)
		}
		return p
	}
	s.wait(time.Second)
	b.Open(authorization("web-app", "prompt", "none")).Sent(t, "https://app.example.com/callback?tenant=1&code=")
	for prompt, code := range map[string]string{"spa": "consent_required", "careful": "consent_required"} {
		if got := b.Open(authorization(prompt, "prompt", "none")).Sent(t, "http").Get("error"); got != code {
			t.Errorf("%s: %s", prompt, got)
		}
	}
	// prompt=login requires a new sign-in, and only one.
	login := shows(authorization("web-app", "prompt", "login"), LoginPath)
	code := b.SignIn(login, "alice", password).Sent(t, "https://app.example.com/").Get("code")
	claims := decoded(t, v.token("web-app", secret, "grant_type", "authorization_code", "code", code, "redirect_uri", appCallback, "code_verifier", verifier).text(t, "access_token"))
	if claims["auth_time"] != float64(began.Add(time.Second).Unix()) {
		t.Errorf("auth_time is %v", claims["auth_time"])
	}
	// prompt=consent asks again, but only once.
	s.wait(time.Second)
	b.Approve(shows(authorization("web-app", "prompt", "consent"), ConsentPath)).Sent(t, "https://app.example.com/")
	// prompt=select_account shows the people who are signed in.
	accounts := shows(authorization("web-app", "prompt", "select_account"), AccountsPath)
	if !strings.Contains(accounts.Body, "alice") {
		t.Errorf("the accounts are %s", accounts.Body)
	}
	b.Send(accounts, "account", "0199a6f4-0000-7000-8000-000000000001").Sent(t, "https://app.example.com/callback?tenant=1&code=")
	s.wait(time.Second)
	other := b.Send(accounts, "account", "other")
	if other.URL.Path != LoginPath {
		t.Fatalf("to choose another account leads to %v", other.URL)
	}
	b.Approve(b.SignIn(other, "bob", "the password of bob")).Sent(t, "https://app.example.com/")
	// max_age.
	s.wait(time.Minute)
	b.Open(authorization("web-app", "max_age", "60")).Sent(t, "https://app.example.com/callback?tenant=1&code=")
	s.wait(time.Second)
	if got := b.Open(authorization("web-app", "max_age", "60", "prompt", "none")).Sent(t, "https://app.example.com/").Get("error"); got != "login_required" {
		t.Errorf("max_age with prompt=none: %s", got)
	}
	login = shows(authorization("web-app", "max_age", "0"), LoginPath)
	s.wait(5 * time.Second) // a person takes longer than max_age
	b.SignIn(login, "bob", "the password of bob").Sent(t, "https://app.example.com/callback?tenant=1&code=")
	// login_hint fills in the name if the browser is not signed in.
	if hinted := s.browser(b.Base).Open(authorization("web-app", "login_hint", "carol")); hinted.IDs["username"] != "carol" {
		t.Errorf("the login page says %q", hinted.IDs["username"])
	}
	// consent "always" asks each time.
	for range 2 {
		s.wait(time.Second)
		b.Approve(shows(authorization("careful"), ConsentPath)).Sent(t, "https://careful.example.com/")
	}
	// If an acr cannot be reached, the client gets an error, and no page asks for it.
	unmet := b.Open(authorization("web-app", "claims", `{"id_token":{"acr":{"essential":true,"values":["phrh"]}}}`)).Sent(t, "https://app.example.com/")
	if unmet.Get("error") != "unmet_authentication_requirements" {
		t.Errorf("an acr that cannot be reached: %v", unmet)
	}
	// The request is for another person.
	if got := b.Open(authorization("web-app", "prompt", "none", "claims", `{"id_token":{"sub":{"value":"0199a6f4-0000-7000-8000-000000000001"}}}`)).Sent(t, "https://app.example.com/").Get("error"); got != "login_required" {
		t.Errorf("another person: %s", got)
	}
}

func TestConsentIsRefused(t *testing.T) {
	_, b, _ := people(t)
	consent := b.SignIn(b.Open(authorization("web-app")), "alice", password)
	answer := b.Send(consent, "decision", "deny").Sent(t, "https://app.example.com/callback?tenant=1&error=access_denied")
	if answer.Get("state") != "the state" || answer.Get("iss") != issuer {
		t.Errorf("answered %v", answer)
	}
	if p := b.Open(authorization("web-app")); p.URL.Path != ConsentPath {
		t.Errorf("it was taken for consent: %v", p.URL)
	}
}

// keycloak#46564, #36150: the person uses two tabs, reload, back, and a page that was left open
// overnight.
func TestTabs(t *testing.T) {
	s, b, _ := people(t)
	first, second := b.Open(authorization("web-app", "state", "first")), b.Open(authorization("spa", "state", "second"))
	if got := b.Approve(b.SignIn(first, "alice", password)).Sent(t, "https://app.example.com/").Get("state"); got != "first" {
		t.Errorf("the first tab ends with the state %q", got)
	}
	// The second tab still shows its login page. Its form works, and so does a reload.
	reloaded := b.Open(strings.TrimPrefix(second.URL.String(), b.Base))
	if got := b.Approve(reloaded).Sent(t, spaCallback).Get("state"); got != "second" {
		t.Errorf("the second tab, reloaded, ends with the state %q", got)
	}
	if got := b.SignIn(second, "alice", password).Sent(t, spaCallback).Get("state"); got != "second" {
		t.Errorf("the second tab ends with the state %q", got)
	}
	// The person goes back to the consent page of the first tab and sends it again.
	s.wait(16 * time.Hour)
	overnight := b.SignIn(first, "alice", password)
	if got := overnight.Sent(t, "https://app.example.com/").Get("state"); got != "first" {
		t.Errorf("overnight it ends with the state %q", got)
	}
}

// The form of a consent page counts for the person to whom it was shown.
func TestConsentOfAnother(t *testing.T) {
	s, b, _ := people(t)
	consent := b.SignIn(b.Open(authorization("web-app")), "alice", password)
	s.wait(time.Second)
	other := b.Send(b.Open(authorization("spa", "prompt", "select_account")), "account", "other")
	b.SignIn(other, "bob", "the password of bob")
	again := b.Approve(consent)
	if again.Left != nil || again.URL.Path != ConsentPath || !strings.Contains(again.Body, "bob") {
		t.Errorf("the consent of one person counts for another: %v %v", again.URL, again.Left)
	}
}

// RFC 9700 §4.7, RFC 6819 §4.4.1.8: no other site can sign a person in, or consent.
func TestFormsOfOtherSites(t *testing.T) {
	_, b, _ := people(t)
	login := b.Open(authorization("web-app"))
	b.Header = map[string]string{"Sec-Fetch-Site": "cross-site", "Origin": "https://evil.example"}
	if p := b.SignIn(login, "alice", password); p.Status != http.StatusForbidden || p.Header.Get("Set-Cookie") != "" {
		t.Errorf("another site signs a person in: %d", p.Status)
	}
	b.Header = map[string]string{"Origin": "https://evil.example"}
	if p := b.SignIn(login, "alice", password); p.Status != http.StatusForbidden {
		t.Errorf("another site signs a person in with an old browser: %d", p.Status)
	}
	b.Header = map[string]string{"Sec-Fetch-Site": "same-origin"}
	consent := b.SignIn(login, "alice", password)
	b.Header = map[string]string{"Sec-Fetch-Site": "same-site", "Origin": "https://a.example.com"}
	if p := b.Approve(consent); p.Status != http.StatusForbidden {
		t.Errorf("another site consents: %d", p.Status)
	}
}

// Other sites may send a request by POST. The server answers with a redirect, on which the browser
// sends the cookie.
func TestAuthorizeByPOST(t *testing.T) {
	_, b, _ := people(t)
	b.Approve(b.SignIn(b.Open(authorization("web-app")), "alice", password)).Sent(t, "https://app.example.com/")
	_, query, _ := strings.Cut(authorization("web-app"), "?")
	b.Header = map[string]string{"Sec-Fetch-Site": "cross-site", "Origin": "https://app.example.com"}
	p := b.Follow(http.MethodPost, b.Base+AuthorizePath, query)
	p.Sent(t, "https://app.example.com/callback?tenant=1&code=")
	if want := []string{AuthorizePath, AuthorizePath}; !slices.Equal(p.Hops, want) {
		t.Errorf("it went through %v", p.Hops)
	}
	if p := b.Follow(http.MethodPost, b.Base+AuthorizePath, "client_id=web-app&redirect_uri=https://evil.example"); p.Status != http.StatusBadRequest || p.Left != nil {
		t.Errorf("a stranger's redirect URI by POST: %d %v", p.Status, p.Left)
	}
}

// This is session fixation (RFC 6819 §5.1.5, ASVS V7): each sign-in has a new secret, and the one
// before is worthless.
func TestEachSignInHasANewSecret(t *testing.T) {
	s, b, _ := people(t)
	base, err := url.Parse(b.Base)
	s.ok(err)
	b.Client.Jar.SetCookies(base, []*http.Cookie{{Name: "session", Value: strings.Repeat("A", 43), Path: "/"}})
	b.SignIn(b.Open(authorization("web-app")), "alice", password)
	first := b.Client.Jar.Cookies(base)[0].Value
	if first == strings.Repeat("A", 43) {
		t.Fatal("the secret is that of the attacker")
	}
	s.wait(time.Second)
	b.SignIn(b.Open(authorization("web-app", "prompt", "login")), "alice", password)
	second := b.Client.Jar.Cookies(base)[0].Value
	if second == first {
		t.Error("the secret is the same after another sign-in")
	}
	b.Client.Jar.SetCookies(base, []*http.Cookie{{Name: "session", Value: first, Path: "/"}})
	if p := b.Open(authorization("web-app")); p.URL.Path != LoginPath {
		t.Errorf("the secret from before is good: %v", p.URL)
	}
	b.Client.Jar.SetCookies(base, []*http.Cookie{{Name: "session", Value: second, Path: "/"}})
	if p := b.Open(authorization("web-app")); p.URL.Path != ConsentPath {
		t.Errorf("the secret is not good: %v", p.URL)
	}
}

func TestSessionEnds(t *testing.T) {
	s, b, _ := people(t)
	b.SignIn(b.Open(authorization("second")), "alice", password).Sent(t, "https://second.example.com/")
	for range 3 { // it is used
		s.wait(sessionIdle - time.Minute)
		b.Open(authorization("second", "prompt", "none")).Sent(t, "https://second.example.com/cb?code=")
		s.ok(s.SignIn.Sessions.Seen.Flush(t.Context()))
	}
	s.wait(sessionIdle)
	if p := b.Open(authorization("second")); p.URL.Path != LoginPath {
		t.Errorf("a session that was not used lives on: %v", p.URL)
	}
}

func TestWrongPassword(t *testing.T) {
	s, b, _ := people(t)
	for _, who := range [][2]string{{"alice", "wrong"}, {"unknown", "wrong"}, {"", ""}} {
		p := b.SignIn(b.Open(authorization("web-app")), who[0], who[1])
		if p.Status != http.StatusOK || p.URL.Path != LoginPath || p.IDs["username"] != who[0] || len(b.Client.Jar.Cookies(p.URL)) > 0 {
			t.Errorf("%s: %d %v %q", who[0], p.Status, p.URL, p.IDs["username"])
		}
		if _, says := p.IDs["error"]; !says {
			t.Errorf("%s: the page says nothing: %s", who[0], p.Body)
		}
	}
	if log := s.log.String(); !strings.Contains(log, `"reason":"password_wrong"`) || !strings.Contains(log, `"reason":"user_unknown"`) {
		t.Errorf("the log does not say why: %s", log)
	}
}
