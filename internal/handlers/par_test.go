package handlers

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"authserver/internal/store"
	"authserver/internal/store/storetest"
	"authserver/test/browser"
)

// push pushes a good request with changes, and returns the path for the browser.
func (v visitor) push(client, clientSecret string, changes ...string) (string, answer) {
	v.Helper()
	_, query, _ := strings.Cut(authorization(client, changes...), "?")
	form, err := url.ParseQuery(query)
	if err != nil {
		v.Fatal(err)
	}
	var parameters []string
	for name, values := range form {
		for _, value := range values {
			parameters = append(parameters, name, value)
		}
	}
	a := v.post(PushPath, client, clientSecret, parameters...)
	if a.status != http.StatusCreated {
		return "", a
	}
	return AuthorizePath + "?" + url.Values{"client_id": {client}, "request_uri": {a.text(v.TB, "request_uri")}}.Encode(), a
}

// RFC 9126 §2.2 and §4: a pushed request survives a reload, and gets one answer.
func TestPushedRequest(t *testing.T) {
	s, b, v := people(t)
	path, pushed := v.push("web-app", secret)
	if pushed.json(t)["expires_in"] != float64(300) || strings.Contains(pushed.body, secret) {
		t.Fatalf("answered %s", pushed.body)
	}
	b.Open(path)
	s.wait(time.Minute)
	login := b.Open(path + "&state=another&redirect_uri=https://evil.example&scope=admin") // other parameters are ignored
	consent := b.SignIn(login, "alice", password)
	s.wait(10 * time.Minute) // the person takes longer than the lifetime of the reference
	answer := b.Approve(consent).Sent(t, "https://app.example.com/callback?tenant=1&code=")
	if answer.Get("state") != "the state" {
		t.Errorf("answered %v", answer)
	}
	v.token("web-app", secret, "grant_type", "authorization_code", "code", answer.Get("code"), "redirect_uri", appCallback, "code_verifier", verifier)
	// The person goes back and sends the form again.
	if got := b.Approve(consent).Sent(t, "https://app.example.com/").Get("error"); got != "invalid_request_uri" {
		t.Errorf("it is answered twice: %s", got)
	}
	again, _ := v.push("web-app", secret)
	b.Open(again).Sent(t, "https://app.example.com/callback?tenant=1&code=")
	if got := b.Open(again).Sent(t, "https://app.example.com/").Get("error"); got != "invalid_request_uri" {
		t.Errorf("it is answered twice: %s", got)
	}
}

// After a pushed request was answered, a second use is refused before the person sees any page.
func TestUsedPushedRequestShowsNoPage(t *testing.T) {
	s, b, v := people(t)
	s.change("web-app", func(c *store.Client) { c.Consent = store.ConsentAlways })
	path, _ := v.push("web-app", secret)
	b.Approve(b.SignIn(b.Open(path), "alice", password)).Sent(t, "https://app.example.com/callback?tenant=1&code=")
	s.wait(time.Minute) // so that the next consent is a new one
	for page, browser := range map[string]*browser.Browser{"consent": b, "sign-in": s.browser(b.Base)} {
		if got := browser.Open(path).Sent(t, "https://app.example.com/").Get("error"); got != "invalid_request_uri" {
			t.Errorf("%s: answered %s", page, got)
		}
	}
	// The person may still be at the page of a request that was not answered.
	again, _ := v.push("web-app", secret)
	consent := b.Open(again)
	b.Open(again)
	b.Approve(consent).Sent(t, "https://app.example.com/callback?tenant=1&code=")
}

func TestPushedRequestIsRefused(t *testing.T) {
	s, b, v := people(t)
	for name, a := range map[string]answer{
		"no PKCE":                       second(v.push("spa", "", "code_challenge", "", "code_challenge_method", "")),
		"another redirect URI":          second(v.push("web-app", secret, "redirect_uri", "https://evil.example")),
		"a scope":                       second(v.push("web-app", secret, "scope", "admin")),
		"a request_uri (RFC 9126 §2.1)": second(v.push("web-app", secret, "request_uri", "urn:x")),
		"too much":                      second(v.push("web-app", secret, "login_hint", strings.Repeat("x", 6000))),
	} {
		if a.status != http.StatusBadRequest {
			t.Errorf("%s: %d %s", name, a.status, a.body)
		}
	}
	if _, a := v.push("web-app", "wrong"); a.status != http.StatusUnauthorized {
		t.Errorf("a wrong secret: %d", a.status)
	}
	path, _ := v.push("web-app", secret)
	for name, other := range map[string]string{
		"another client's":     strings.Replace(path, "client_id=web-app", "client_id=spa", 1),
		"without its client":   strings.Replace(path, "client_id=web-app&", "", 1),
		"one that is damaged":  path + "AA",
		"one that was made up": AuthorizePath + "?client_id=web-app&request_uri=urn:ietf:params:oauth:request_uri:AAAA",
	} {
		if p := b.Open(other); p.Status != http.StatusBadRequest || p.Left != nil {
			t.Errorf("%s: %d %v", name, p.Status, p.Left)
		}
	}
	s.wait(5 * time.Minute)
	if p := b.Open(path); p.Status != http.StatusBadRequest {
		t.Errorf("one that expired: %d", p.Status)
	}
	// FAPI 2.0 §5.3.2.2.
	client, err := s.db.Client(t.Context(), "web-app")
	s.ok(err)
	client.Profile = store.ProfileFAPI2
	s.ok(s.db.UpdateClient(t.Context(), client, storetest.By()))
	if got := b.Open(authorization("web-app")).Sent(t, "https://app.example.com/").Get("error"); got != "invalid_request" {
		t.Errorf("a client of FAPI 2.0 need not push: %s", got)
	}
}

func second[A, B any](_ A, b B) B { return b }
