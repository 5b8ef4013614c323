package handlers

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"authserver/internal/oidc"
	"authserver/internal/store"
	"authserver/internal/store/storetest"
	"authserver/test/browser"
)

// logout returns the path of a logout request: name, value.
func logout(parameters ...string) string {
	query := url.Values{}
	for i := 0; i < len(parameters); i += 2 {
		query.Set(parameters[i], parameters[i+1])
	}
	return EndSessionPath + "?" + query.Encode()
}

// hinting signs alice in at the web app, and returns the browser with an ID token.
func hinting(t *testing.T) (*site, *browser.Browser, visitor, map[string]any) {
	t.Helper()
	s, b, v := people(t)
	return s, b, v, exchangeAt(t, b, v)
}

// isIn reports whether a browser is signed in.
func isIn(b *browser.Browser) bool {
	_, asks := b.Open(authorization("web-app", "prompt", "select_account")).IDs["password"]
	return !asks
}

func asksToSignOut(p browser.Page) bool {
	_, yes := p.IDs["logout-yes"]
	_, no := p.IDs["logout-no"]
	return yes && no && p.Status == http.StatusOK && p.URL.Path == LogoutPath
}

// OpenID Connect RP-Initiated Logout 1.0 §2 and §3.
func TestLogoutByClient(t *testing.T) {
	_, b, v, tokens := hinting(t)
	hint := tokens["id_token"].(string)
	p := b.Open(logout("id_token_hint", hint, "post_logout_redirect_uri", appLoggedOut, "state", "a b&c", "logout_hint", "alice", "ui_locales", "de"))
	if p.Left == nil || p.Left.String() != appLoggedOut+"&state=a+b%26c" {
		t.Fatalf("the browser is at %v, sent to %v: %s", p.URL, p.Left, p.Body)
	}
	if isIn(b) {
		t.Error("the session lives on")
	}
	v.refused(refresh(v, tokens["refresh_token"].(string)), http.StatusBadRequest, "invalid_grant")
	if got := v.post(IntrospectPath, "api", secret, "token", tokens["access_token"].(string)); got.json(t)["active"] != false {
		t.Errorf("the access token lives on: %s", got.body)
	}
	// A second request has nothing to end, and the client need not care.
	if p := b.Open(logout("id_token_hint", hint, "post_logout_redirect_uri", appLoggedOut)); p.Left == nil || p.Left.String() != appLoggedOut {
		t.Errorf("again: the browser is at %v %v", p.URL, p.Left)
	}
	if p := b.Open(logout("id_token_hint", hint, "ui_locales", "de")); p.URL.Path != LogoutPath || !strings.Contains(p.Body, "abgemeldet") {
		t.Errorf("without a way back: %v %s", p.URL, p.Body)
	}
}

// The server asks the person unless the request has an ID token of this very session (§2).
func TestLogoutAsks(t *testing.T) {
	s, b, v, tokens := hinting(t)
	s.wait(time.Second)
	other, _ := signedIn(t, s, v, firefox)
	elsewhere := exchangeAt(t, other, v)["id_token"].(string)
	for name, path := range map[string]string{
		"no parameters":                     logout(),
		"the page itself":                   LogoutPath,
		"a client alone":                    logout("client_id", "web-app"),
		"a client and where to go":          logout("client_id", "web-app", "post_logout_redirect_uri", appLoggedOut, "state", "x"),
		"a hint of who":                     logout("logout_hint", "alice"),
		"a state alone":                     logout("state", "x"),
		"an ID token of another session":    logout("id_token_hint", elsewhere, "post_logout_redirect_uri", appLoggedOut),
		"an ID token of a forgotten key":    logout("id_token_hint", forgotten(tokens["id_token"].(string))),
		"of a forgotten key, where to go":   logout("id_token_hint", forgotten(tokens["id_token"].(string)), "post_logout_redirect_uri", "https://evil.example/"),
		"of a forgotten key, with a client": logout("id_token_hint", forgotten(tokens["id_token"].(string)), "client_id", "web-app", "post_logout_redirect_uri", appLoggedOut),
	} {
		if p := b.Open(path); !asksToSignOut(p) || !strings.Contains(p.Body, "alice") || p.Left != nil {
			t.Errorf("%s: the person is not asked: %d %v %v %s", name, p.Status, p.URL, p.Left, p.Body)
		}
	}
	asked := b.Open(logout("client_id", "web-app", "post_logout_redirect_uri", appLoggedOut, "state", "x"))
	if !strings.Contains(asked.Body, "The Web App") || !strings.Contains(asked.Header.Get("Content-Security-Policy"), "form-action 'self' https://app.example.com") {
		t.Errorf("the page does not name who asks, or Chromium does not let the person go back: %v %s", asked.Header, asked.Body)
	}
	if p := b.Send(asked, "decision", "no"); p.URL.Path != AccountPath || !strings.Contains(p.Body, "alice") || !isIn(b) {
		t.Errorf("to stay signed in leads to %v %s", p.URL, p.Body)
	}
	if p := b.Send(asked, "decision", "maybe"); !asksToSignOut(p) {
		t.Errorf("no decision leads to %v", p.URL)
	}
	if p := b.Send(asked, "decision", "yes"); p.Left == nil || p.Left.String() != appLoggedOut+"&state=x" || isIn(b) {
		t.Errorf("to sign out leads to %v, sent to %v", p.URL, p.Left)
	}
	if !isIn(other) {
		t.Error("another browser was signed out")
	}
	// This is the page without a session, sent a second time.
	if p := b.Send(asked, "decision", "yes"); p.Left == nil || p.Left.String() != appLoggedOut+"&state=x" {
		t.Errorf("once more: %v, sent to %v", p.URL, p.Left)
	}
	for _, path := range []string{LogoutPath, logout(), logout("client_id", "web-app")} {
		if p := b.Open(path); p.URL.Path != LogoutPath || !strings.Contains(p.Body, "You are signed out") {
			t.Errorf("%s without a session: %v %s", path, p.URL, p.Body)
		}
	}
}

// forgotten returns an ID token with a key that this server does not know.
func forgotten(idToken string) string {
	return "eyJhbGciOiJSUzI1NiIsImtpZCI6ImZvcmdvdHRlbiIsInR5cCI6IkpXVCJ9" + idToken[strings.Index(idToken, "."):]
}

// The hint must be an ID token of this server for this client, and the redirect URI must be
// registered. Otherwise the browser goes nowhere (RFC 9700 §4.11: no open redirector).
func TestLogoutRefuses(t *testing.T) {
	s, b, _, tokens := hinting(t)
	hint := tokens["id_token"].(string)
	s.ok(s.db.CreateClient(t.Context(), store.Client{ID: "disabled", Disabled: true, PostLogoutRedirectURIs: []string{"https://gone.example.com/"}, CreatedAt: store.At(began), UpdatedAt: store.At(began)}, storetest.By()))
	s.wait(time.Second)
	for name, path := range map[string]string{
		"nothing that is a JWT":                    logout("id_token_hint", "x", "post_logout_redirect_uri", appLoggedOut, "client_id", "web-app"),
		"another signature":                        logout("id_token_hint", hint[:len(hint)-8]+"AAAAAAAA", "post_logout_redirect_uri", appLoggedOut),
		"no signature":                             logout("id_token_hint", hint[:strings.LastIndex(hint, ".")+1]),
		"alg none":                                 logout("id_token_hint", "eyJhbGciOiJub25lIn0"+hint[strings.Index(hint, "."):strings.LastIndex(hint, ".")+1]),
		"an access token":                          logout("id_token_hint", tokens["access_token"].(string)),
		"another client than the hint's":           logout("id_token_hint", hint, "client_id", "second", "post_logout_redirect_uri", "https://second.example.com/out"),
		"an unknown client than the hint's":        logout("id_token_hint", hint, "client_id", "unknown"),
		"where another client's people go":         logout("id_token_hint", hint, "post_logout_redirect_uri", "https://second.example.com/out"),
		"a stranger's address":                     logout("id_token_hint", hint, "post_logout_redirect_uri", "https://evil.example/"),
		"a query added to the registered one":      logout("id_token_hint", hint, "post_logout_redirect_uri", appLoggedOut+"&x=y"),
		"the registered one in another case":       logout("id_token_hint", hint, "post_logout_redirect_uri", strings.ToUpper(appLoggedOut)),
		"the registered one with a fragment":       logout("id_token_hint", hint, "post_logout_redirect_uri", appLoggedOut+"#"),
		"a redirect URI of a sign-in":              logout("id_token_hint", hint, "post_logout_redirect_uri", appCallback),
		"a script":                                 logout("client_id", "web-app", "post_logout_redirect_uri", "javascript:alert(1)"),
		"an address without a client":              logout("post_logout_redirect_uri", appLoggedOut),
		"an unknown client":                        logout("client_id", "unknown", "post_logout_redirect_uri", appLoggedOut),
		"a disabled client":                        logout("client_id", "disabled", "post_logout_redirect_uri", "https://gone.example.com/"),
		"a parameter twice":                        logout("client_id", "web-app") + "&client_id=second",
		"a state that is too long":                 logout("client_id", "web-app", "state", strings.Repeat("x", 2049)),
		"a continuation that this server made not": EndSessionPath + "?continue=x",
		"the same at the page":                     LogoutPath + "?continue=x",
		"a continuation of a sign-in":              LogoutPath + "?" + b.Open(authorization("web-app", "prompt", "login")).URL.RawQuery,
	} {
		p := b.Open(path)
		if _, says := p.IDs["error"]; p.Status != http.StatusBadRequest || p.Left != nil || !says {
			t.Errorf("%s: answered %d, sent to %v: %s", name, p.Status, p.Left, p.Body)
		}
		_, query, _ := strings.Cut(path, "?")
		if !strings.HasPrefix(path, EndSessionPath) || strings.HasPrefix(query, "continue=") {
			continue
		}
		if p := b.Follow(http.MethodPost, b.Base+EndSessionPath, query); p.Status != http.StatusBadRequest || p.Left != nil {
			t.Errorf("%s by POST: answered %d, sent to %v", name, p.Status, p.Left)
		}
	}
	if !isIn(b) {
		t.Error("what is refused ends the session all the same")
	}
}

// Other sites may send a request by POST, to which the browser adds no SameSite=Lax cookie. The
// server answers with a redirect, on which the browser sends the cookie.
func TestLogoutByPOST(t *testing.T) {
	_, b, _, tokens := hinting(t)
	_, query, _ := strings.Cut(logout("id_token_hint", tokens["id_token"].(string), "post_logout_redirect_uri", appLoggedOut, "state", "x"), "?")
	b.Header = map[string]string{"Sec-Fetch-Site": "cross-site", "Origin": "https://app.example.com"}
	jar := b.Client.Jar
	b.Client.Jar = nil
	request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, b.Base+EndSessionPath, strings.NewReader(query))
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	response, err := b.Client.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	_ = response.Body.Close()
	location := response.Header.Get("Location")
	if response.StatusCode != http.StatusSeeOther || !strings.HasPrefix(location, EndSessionPath+"?continue=") || strings.Contains(location, "hint") {
		t.Fatalf("answered %d, %s", response.StatusCode, location)
	}
	b.Client.Jar = jar
	if p := b.Open(location); p.Left == nil || p.Left.String() != appLoggedOut+"&state=x" || isIn(b) {
		t.Errorf("the browser is at %v, sent to %v, and signed in: %v", p.URL, p.Left, isIn(b))
	}
}

// A client that knows the session signs the person out even if the browser has lost its cookie.
func TestLogoutOfABrowserThatWasClosed(t *testing.T) {
	s, b, v, tokens := hinting(t)
	closed := s.browser(v.base)
	p := closed.Open(logout("id_token_hint", tokens["id_token"].(string), "post_logout_redirect_uri", "com.example.app:/signed-out"))
	if p.Left == nil || p.Left.String() != "com.example.app:/signed-out" {
		t.Errorf("the browser is at %v, sent to %v", p.URL, p.Left)
	}
	if isIn(b) {
		t.Error("the session lives on")
	}
}

// An ID token is accepted after it has expired, and after its key has retired.
func TestLogoutWithAnOldIDToken(t *testing.T) {
	s, b, _, tokens := hinting(t)
	s.wait(sessionIdle - time.Minute)
	b.Open(authorization("second", "prompt", "none")).Sent(t, "https://second.example.com/cb?code=")
	s.ok(s.SignIn.Sessions.Seen.Flush(t.Context()))
	s.wait(sessionIdle - time.Minute)
	if p := b.Open(logout("id_token_hint", tokens["id_token"].(string), "post_logout_redirect_uri", appLoggedOut)); p.Left == nil || isIn(b) {
		t.Errorf("the browser is at %v %s", p.URL, p.Body)
	}
}

// RFC 6819 §4.4.1.8: no other site can answer for the person, nor with a page that was made for
// another person.
func TestLogoutOfAnother(t *testing.T) {
	s, b, v, _ := hinting(t)
	asked := b.Open(logout("client_id", "web-app", "post_logout_redirect_uri", appLoggedOut))
	b.Header = map[string]string{"Sec-Fetch-Site": "cross-site", "Origin": "https://evil.example"}
	if p := b.Send(asked, "decision", "yes"); p.Status != http.StatusForbidden {
		t.Errorf("another site signs the person out: %d", p.Status)
	}
	b.Header = map[string]string{"Sec-Fetch-Site": "same-origin"}
	if !isIn(b) {
		t.Fatal("another site signed the person out")
	}
	bob := s.browser(v.base)
	bob.SignIn(bob.Open(authorization("second")), "bob", "the password of bob").Sent(t, "https://second.example.com/")
	if p := bob.Send(asked, "decision", "yes"); !asksToSignOut(p) || !strings.Contains(p.Body, "bob") {
		t.Errorf("a page that was made for alice signs bob out: %v %s", p.URL, p.Body)
	}
	// The confirmation page of alice asks bob.
	b.Send(asked, "decision", "yes").Sent(t, appLoggedOut)
	done := b.Open(logout("client_id", "web-app"))
	if p := bob.Open(strings.TrimPrefix(done.URL.String(), b.Base)); !asksToSignOut(p) {
		t.Errorf("bob is told that he is signed out: %s", p.Body)
	}
}

// Of several parameters that are too long, the error names the same one each time.
func TestTheFirstLongParameterIsNamed(t *testing.T) {
	long := strings.Repeat("x", 4<<10)
	for range 20 {
		_, err := new(oidc.Logouts).Read(t.Context(), "ui_locales="+long+"&state="+long)
		if err == nil || !strings.Contains(err.Error(), "state") {
			t.Fatal(err)
		}
	}
}
