package handlers

import (
	"crypto/sha256"
	"encoding/base64"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"authserver/internal/sessions"
	"authserver/internal/store"
	"authserver/internal/store/storetest"
	"authserver/test/browser"
)

// managed registers a client for session management.
func (s *site) managed(id string) {
	s.Helper()
	c, err := s.db.Client(s.Context(), id)
	s.ok(err)
	c.SessionManagement = true
	s.ok(s.db.UpdateClient(s.Context(), c, storetest.By()))
}

// browserState returns the state that the script finds in a browser; "": none.
func browserState(t *testing.T, b *browser.Browser, base string) string {
	t.Helper()
	u, err := url.Parse(base)
	if err != nil {
		t.Fatal(err)
	}
	for _, cookie := range b.Client.Jar.Cookies(u) {
		if cookie.Name == stateCookie {
			return cookie.Value
		}
	}
	return ""
}

// holds computes a session state as the script does (OpenID Connect Session Management 1.0 §3.2).
func holds(sessionState, client, origin, state string) bool {
	hash, salt, _ := strings.Cut(sessionState, ".")
	sum := sha256.Sum256([]byte(client + " " + origin + " " + state + " " + salt))
	return salt != "" && hash == base64.RawURLEncoding.EncodeToString(sum[:])
}

// OpenID Connect Session Management 1.0 §2: the state of a client is valid only for that client,
// and until the person signs out or another person signs in.
func TestSessionState(t *testing.T) {
	s, b, v := people(t)
	s.managed("second")
	base := v.base
	p := b.SignIn(b.Open(authorization("web-app")), "alice", password)
	other := b.Approve(p).Sent(t, "https://app.example.com/")
	if other.Has("session_state") || browserState(t, b, base) != "" {
		t.Fatalf("a client without session management is told %v, and the browser has %q", other, browserState(t, b, base))
	}
	const origin = "https://second.example.com"
	first := b.Open(authorization("second")).Sent(t, origin).Get("session_state")
	state := browserState(t, b, base)
	if state == "" || !holds(first, "second", origin, state) {
		t.Fatalf("it is told %q, and the browser has %q", first, state)
	}
	for name, wrong := range map[string]bool{
		"another client": holds(first, "web-app", origin, state), "another origin": holds(first, "second", "https://evil.example.com", state), "no state": holds(first, "second", origin, ""),
	} {
		if wrong {
			t.Errorf("it holds for %s", name)
		}
	}
	again := b.Open(authorization("second", "prompt", "none")).Sent(t, origin).Get("session_state")
	if again == first || !holds(again, "second", origin, state) || browserState(t, b, base) != state {
		t.Errorf("asked again it is %q, and was %q", again, first)
	}
	if got := b.Open(authorization("second", "scope", "read")).Sent(t, origin); got.Has("session_state") {
		t.Errorf("without the scope openid it is told %v", got)
	}
	s.wait(time.Second)
	if got := b.Open(authorization("second", "scope", "openid", "response_mode", "query", "prompt", "none", "max_age", "0")).Sent(t, origin); got.Get("error") == "" || got.Has("session_state") {
		t.Errorf("with an error it is told %v", got)
	}
	b.SignIn(b.Open(authorization("second", "prompt", "login")), "bob", "the password of bob").Sent(t, origin)
	if now := browserState(t, b, base); now == "" || now == state || holds(first, "second", origin, now) {
		t.Errorf("another person signed in, and the browser has %q", now)
	}
	submit(b, "/account/logout")
	if now := browserState(t, b, base); now != "" {
		t.Errorf("the person signed out, and the browser has %q", now)
	}
}

// A session that ended elsewhere changes the state at the next request of the browser.
func TestSessionStateOfASessionThatEndedElsewhere(t *testing.T) {
	s, b, v := people(t)
	s.managed("second")
	base := v.base
	b.SignIn(b.Open(authorization("second")), "alice", password).Sent(t, "https://second.example.com/cb")
	if browserState(t, b, base) == "" {
		t.Fatal("the browser has no state")
	}
	s.wait(sessionMost)
	if got := b.Open(authorization("second", "prompt", "none")).Sent(t, "https://second.example.com/cb"); got.Get("error") != "login_required" {
		t.Errorf("it is told %v", got)
	}
	if now := browserState(t, b, base); now != "" {
		t.Errorf("the browser has %q", now)
	}
}

// A script can read the cookie in a frame of another site, and the cookie gives no access.
func TestBrowserStateCookie(t *testing.T) {
	person := &sessions.Person{Session: store.Session{Secret: [32]byte{1}}}
	state := person.BrowserState()
	for _, test := range []struct {
		name   string
		cookie Cookie
		had    []string
		person *sessions.Person
		begins bool
		want   string
	}{
		{"it begins, over https", Cookie{Secure: true}, nil, person, true, "__Host-browser-state=" + state + "; Path=/; Secure; SameSite=None"},
		{"it begins, over http on loopback", Cookie{}, nil, person, true, "browser-state=" + state + "; Path=/; SameSite=Lax"},
		{"it does not begin", Cookie{Secure: true}, nil, person, false, ""},
		{"it is there", Cookie{Secure: true}, []string{"__Host-browser-state=" + state}, person, true, ""},
		{"it was of another sign-in", Cookie{Secure: true}, []string{"__Host-browser-state=x"}, person, false, "__Host-browser-state=" + state + "; Path=/; Secure; SameSite=None"},
		{"no one is signed in", Cookie{Secure: true}, []string{"__Host-browser-state=" + state}, nil, false, "__Host-browser-state=; Path=/; Max-Age=0; Secure; SameSite=None"},
		{"one that any host may set, over https", Cookie{Secure: true}, []string{"browser-state=x"}, person, false, ""},
	} {
		w := httptest.NewRecorder()
		test.cookie.followState(w, withCookies(test.had...), test.person, test.begins)
		if got := w.Header().Get("Set-Cookie"); got != test.want {
			t.Errorf("%s: the cookie is set as %q, want %q", test.name, got, test.want)
		}
	}
	if other := (sessions.Person{Session: store.Session{Secret: [32]byte{2}}}).BrowserState(); other == state || len(state) != 43 {
		t.Errorf("two sign-ins have the states %q and %q", state, other)
	}
}

// Only pages of clients with session management may frame the page, which runs only its own script
// (Session Management 1.0 §3.2, §5).
func TestCheckSessionPage(t *testing.T) {
	s := newSite(t)
	s.people()
	s.managed("second")
	v := s.visit(s.public(0), http.DefaultClient)
	const framed = "https://second.example.com"
	for referer, want := range map[string]string{
		framed + "/page?x=1": framed, framed + "/": framed, "https://SECOND.example.com:443/": framed,
		"": "'none'", "https://app.example.com/": "'none'", "https://second.example.com.evil.example/": "'none'", "http://second.example.com/": "'none'",
		"https://second.example.com:8443/": "'none'", "https://evil.example/https://second.example.com/": "'none'", "https://evil.example/; frame-ancestors *": "'none'",
		"com.example.app:/cb": "'none'",
	} {
		a := v.do(http.MethodGet, CheckSessionPath, "", map[string]string{"Referer": referer})
		policy := a.header.Get("Content-Security-Policy")
		_, script, _ := strings.Cut(a.body, "<script>")
		script, _, _ = strings.Cut(script, "</script>")
		sum := sha256.Sum256([]byte(script))
		if a.status != http.StatusOK || policy != "default-src 'none'; base-uri 'none'; form-action 'none'; script-src 'sha256-"+base64.StdEncoding.EncodeToString(sum[:])+"'; frame-ancestors "+want {
			t.Errorf("from %q: %d %q", referer, a.status, policy)
		}
		if (a.header.Get("X-Frame-Options") == "DENY") != (want == "'none'") || a.header.Get("Cache-Control") != "no-store" || a.header.Get("Set-Cookie") != "" || a.header.Get("X-Content-Type-Options") != "nosniff" {
			t.Errorf("from %q: %v", referer, a.header)
		}
	}
	if says := v.do(http.MethodGet, MetadataPath, "", nil).json(t); says["check_session_iframe"] != issuer+CheckSessionPath {
		t.Errorf("check_session_iframe is %v", says["check_session_iframe"])
	}
}
