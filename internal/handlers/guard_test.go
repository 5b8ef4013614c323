package handlers

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"authserver/internal/store"
	"authserver/test/browser"
)

// RFC 6749 §4.3.2 (the endpoint MUST be protected against brute force), RFC 6819 §5.1.4.2.3, NIST
// SP 800-63B-4 §3.2.2: guesses at a password have to wait, also for a user who does not exist.
func TestGuessesAtPasswordsWait(t *testing.T) {
	for _, username := range []string{"alice", "ALICE", "unknown", "no body"} {
		s := newSite(t)
		v := s.open()
		login := func(password string) answer {
			return v.post(TokenPath, "web", secret, "grant_type", "password", "username", username, "password", password)
		}
		for range 10 {
			if a := login("a guess"); a.status != http.StatusBadRequest || a.text(t, "error") != "invalid_grant" {
				t.Fatalf("%s: a guess gets %d %s", username, a.status, a.body)
			}
		}
		want := "too many attempts failed: wait for as long as Retry-After says, then try again"
		for range 3 { // the server checks none of them, and none counts
			a := login(password)
			if a.status != http.StatusTooManyRequests || a.header.Get("Retry-After") != "1" || a.text(t, "error_description") != want {
				t.Fatalf("%s: after ten guesses: %d, Retry-After %q, %s", username, a.status, a.header.Get("Retry-After"), a.body)
			}
		}
		s.wait(time.Second)
		if a := login(password); strings.EqualFold(username, "alice") != (a.status == http.StatusOK) {
			t.Errorf("%s: the password after the wait: %d %s", username, a.status, a.body)
		}
	}
}

// RFC 6749 §2.3.1 (any endpoint that takes a secret MUST be protected against brute force): a
// secret that is known to be right, or that cannot be guessed, never waits because of others.
func TestGuessesAtClientSecretsWait(t *testing.T) {
	for _, id := range []string{"web", "not-there"} {
		s := newSite(t)
		v := s.open()
		send := func(secret string) answer { return v.post(TokenPath, id, secret, "grant_type", "client_credentials") }
		for range 10 {
			if a := send("a guess"); a.status != http.StatusUnauthorized {
				t.Fatalf("%s: a guess gets %d %s", id, a.status, a.body)
			}
		}
		for _, a := range []answer{send("a guess"), send("another"), v.post(TokenPath, "", "", "grant_type", "client_credentials", "client_id", id, "client_secret", "a guess"), v.post(IntrospectPath, id, "a guess", "token", "x")} {
			if a.status != http.StatusTooManyRequests || a.header.Get("Retry-After") != "1" {
				t.Errorf("%s: after ten guesses: %d, Retry-After %q", id, a.status, a.header.Get("Retry-After"))
			}
		}
		if id == "web" {
			if a := send(secret); a.status != http.StatusOK {
				t.Errorf("the secret waits for guesses: %d %s", a.status, a.body)
			}
			if a := send("a guess"); a.status != http.StatusUnauthorized {
				t.Errorf("a secret that cannot be guessed forgets no failures: %d", a.status)
			}
		}
		rows, err := s.db.FailuresSince(t.Context(), began.Add(-time.Hour), 100)
		if want := map[string]int{"web": 1}[id]; err != nil || len(rows) != want {
			t.Errorf("%s: %d rows, %v; want %d", id, len(rows), err, want)
		}
	}
}

// guess opens the login page in a new browser and tries a password.
func (s *site) guess(v visitor, password string) (body string) {
	s.Helper()
	b := s.browser(v.base)
	return b.SignIn(b.Open(authorization("web-app")), "alice", password).Body
}

// These are OWASP's device cookies. RFC 6819 §5.1.4.2.4 warns of locks by which an attacker keeps a
// person out.
func TestStrangersLockNoPersonOut(t *testing.T) {
	s, known, v := people(t)
	if p := known.SignIn(known.Open(authorization("web-app")), "alice", password); p.URL.Path != ConsentPath {
		t.Fatalf("the person is at %v", p.URL)
	}
	for range 12 {
		s.guess(v, "a guess")
	}
	if body := s.guess(v, password); !strings.Contains(body, "too many attempts to sign in. Please wait a moment") || !strings.Contains(body, `role="alert"`) {
		t.Errorf("the page says: %s", body)
	}
	again := func(tried string) browser.Page {
		s.wait(time.Millisecond) // so that the sign-in is later than its request
		return known.SignIn(known.Open(authorization("web-app", "prompt", "login")), "alice", tried)
	}
	if p := again(password); p.URL.Path != ConsentPath {
		t.Errorf("the person has to wait for strangers: %s", p.Body)
	}
	// The failures of the browser itself count, and after too many it is an unknown browser.
	for range 20 {
		again("a guess")
	}
	if p := again(password); p.URL.Path == ConsentPath {
		t.Error("a known browser guesses on and on")
	}
	told, err := s.db.ListEvents(t.Context(), store.EventFilter{Type: string(store.LoginThrottled), Limit: 10})
	if err != nil || len(told) != 2 || told[0].UserID == "" { // the network, and the browser
		t.Errorf("the audit has %+v, %v", told, err)
	}
}

func TestDeviceCookie(t *testing.T) {
	s, b, v := people(t)
	cookie := func() string {
		base, err := url.Parse(v.base)
		s.ok(err)
		for _, c := range b.Client.Jar.Cookies(base) {
			if c.Name == "device" {
				return c.Value
			}
		}
		return ""
	}
	login := b.Open(authorization("web-app"))
	b.SignIn(login, "alice", "a guess")
	if cookie() != "" {
		t.Error("a guess gets the cookie")
	}
	b.SignIn(b.Open(authorization("web-app")), "alice", password)
	of := func(username string) string {
		name, _ := s.SignIn.Devices.Name(cookie(), store.LoginAccount(username))
		return name
	}
	alice := of("alice")
	if alice == "" || of("bob") != "" {
		t.Errorf("the cookie knows alice as %q and bob as %q", alice, of("bob"))
	}
	s.wait(time.Millisecond)
	b.SignIn(b.Open(authorization("web-app", "prompt", "login")), "alice", password)
	if diff := cmp.Diff(alice, of("alice")); diff != "" {
		t.Errorf("after another sign-in: %s", diff)
	}
	for _, test := range []struct {
		cookie Cookie
		header []string
		want   string
	}{
		{Cookie{Secure: true}, []string{"__Host-device=x"}, "x"},
		{Cookie{Secure: true}, []string{"device=x"}, ""},
		{Cookie{}, []string{"device=x"}, "x"},
		{Cookie{}, []string{"device=x; device=tossed"}, ""},
	} {
		if got := test.cookie.readDevice(withCookies(test.header...)); got != test.want {
			t.Errorf("%v: %q, want %q", test.header, got, test.want)
		}
	}
}
