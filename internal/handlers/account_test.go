package handlers

import (
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"authserver/test/browser"
)

// sessionValue is the value of a button that ends another session.
var sessionValue = regexp.MustCompile(`name="session" value="([0-9a-f]{32})"`)

func submit(b *browser.Browser, path string, fields ...string) browser.Page {
	form := url.Values{}
	for i := 0; i < len(fields); i += 2 {
		form.Set(fields[i], fields[i+1])
	}
	return b.Follow(http.MethodPost, b.Base+path, form.Encode())
}

// signedIn returns a browser in which a person is signed in, and a refresh token of the web app.
func signedIn(t *testing.T, s *site, v visitor, agent string) (*browser.Browser, string) {
	t.Helper()
	b := s.browser(v.base)
	b.Header["User-Agent"] = agent
	page := b.SignIn(b.Open(authorization("web-app")), "alice", password)
	if page.Left == nil { // the server remembers the first consent
		page = b.Approve(page)
	}
	code := page.Sent(t, "https://app.example.com/").Get("code")
	return b, v.token("web-app", secret, "grant_type", "authorization_code", "code", code, "redirect_uri", appCallback, "code_verifier", verifier).text(t, "refresh_token")
}

func refresh(v visitor, token string) answer {
	return v.post(TokenPath, "web-app", secret, "grant_type", "refresh_token", "refresh_token", token)
}

const (
	firefox = "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0"
	safari  = "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.5 Mobile/15E148 Safari/604.1"
)

func TestAccount(t *testing.T) {
	s, stranger, v := people(t)
	for _, p := range []browser.Page{stranger.Open(AccountPath), submit(stranger, "/account/session", "session", "all"), submit(stranger, "/account/app", "app", "web-app"), submit(stranger, "/account/logout")} {
		if p.Status != http.StatusOK || p.URL.Path != AccountPath || !strings.Contains(p.Body, "You are signed out") {
			t.Errorf("without a session: %d %v %s", p.Status, p.URL, p.Body)
		}
	}
	laptop, ofLaptop := signedIn(t, s, v, firefox)
	s.wait(time.Second)
	phone, ofPhone := signedIn(t, s, v, safari)

	page := laptop.Open(AccountPath)
	for _, says := range []string{"alice", "<bdi>Firefox</bdi> on <bdi>Linux</bdi>", "<bdi>Safari</bdi> on <bdi>iPhone</bdi>", "This device", "The Web App"} {
		if !strings.Contains(page.Body, says) {
			t.Errorf("the page does not say %q: %s", says, page.Body)
		}
	}
	others := sessionValue.FindAllStringSubmatch(page.Body, -1)
	if len(others) != 1 || !strings.Contains(page.Body, `action="/account/password"`) {
		t.Fatalf("the page offers to end %v: %s", others, page.Body)
	}

	bob := s.browser(v.base)
	bob.SignIn(bob.Open(authorization("second")), "bob", "the password of bob").Sent(t, "https://second.example.com/")
	if p := submit(bob, "/account/session", "session", others[0][1]); strings.Contains(p.URL.RawQuery, "done") {
		t.Errorf("bob ended a session of alice: %v", p.URL)
	}
	submit(bob, "/account/app", "app", "web-app")
	if got := refresh(v, ofPhone); got.status != http.StatusOK {
		t.Fatalf("bob ended what is alice's: %d %s", got.status, got.body)
	}

	if p := submit(laptop, "/account/session", "session", others[0][1]); !strings.Contains(p.Body, "That device was signed out.") {
		t.Errorf("answered %s", p.Body)
	}
	if p := phone.Open(authorization("web-app")); p.URL.Path != LoginPath {
		t.Errorf("the session that was ended lives on: %v", p.URL)
	}
	v.refused(refresh(v, ofPhone), http.StatusBadRequest, "invalid_grant")
	if p := laptop.Open(AccountPath + "?done=password-changed%3Cscript%3E"); p.Status != http.StatusOK || strings.Contains(p.Body, `id="notice"`) {
		t.Errorf("the address makes the page say what was not done: %d %s", p.Status, p.Body)
	}

	if p := submit(laptop, "/account/app", "app", "web-app"); !strings.Contains(p.Body, "The app has no access any more.") || strings.Contains(p.Body, "The Web App") {
		t.Errorf("answered %s", p.Body)
	}
	v.refused(refresh(v, ofLaptop), http.StatusBadRequest, "invalid_grant")
	if p := laptop.Open(authorization("web-app")); p.URL.Path != ConsentPath {
		t.Errorf("the consent is still there: %v", p.URL)
	}
}

func TestSignOutEverywhere(t *testing.T) {
	s, _, v := people(t)
	laptop, ofLaptop := signedIn(t, s, v, firefox)
	s.wait(time.Second)
	phone, ofPhone := signedIn(t, s, v, safari)
	if p := submit(phone, "/account/session", "session", "all"); !strings.Contains(p.Body, "You are signed out") {
		t.Errorf("answered %s", p.Body)
	}
	for name, b := range map[string]*browser.Browser{"laptop": laptop, "phone": phone} {
		if p := b.Open(authorization("web-app")); p.URL.Path != LoginPath {
			t.Errorf("%s: the session lives on: %v", name, p.URL)
		}
	}
	v.refused(refresh(v, ofLaptop), http.StatusBadRequest, "invalid_grant")
	v.refused(refresh(v, ofPhone), http.StatusBadRequest, "invalid_grant")
}

func TestSignOut(t *testing.T) {
	s, _, v := people(t)
	laptop, _ := signedIn(t, s, v, firefox)
	s.wait(time.Second)
	phone, _ := signedIn(t, s, v, safari)
	laptop.Header["Sec-Fetch-Site"] = "cross-site"
	for _, path := range []string{"/account/logout", "/account/session", "/account/app", "/account/password"} { // RFC 6819 §4.4.1.8
		if p := submit(laptop, path, "session", "all", "app", "web-app"); p.Status != http.StatusForbidden {
			t.Errorf("%s: another site sent it: %d", path, p.Status)
		}
	}
	laptop.Header["Sec-Fetch-Site"] = "same-origin"
	if p := submit(laptop, "/account/logout"); !strings.Contains(p.Body, "You are signed out") {
		t.Errorf("answered %s", p.Body)
	}
	base, err := url.Parse(v.base)
	s.ok(err)
	for _, cookie := range laptop.Client.Jar.Cookies(base) {
		if cookie.Name != "device" { // the cookie by which the next sign-in recognises the browser
			t.Errorf("the browser keeps %v", cookie)
		}
	}
	phone.Open(authorization("web-app")).Sent(t, "https://app.example.com/")
}
