package handlers

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"authserver/internal/store"
	"authserver/internal/store/storetest"
	"authserver/test/browser"
)

// modelTab is an authorization request of an app in a tab of a browser.
type modelTab struct {
	in      *modelBrowser
	client  string
	state   string
	prompt  string
	maxAge  time.Duration // negative: the request has none
	opened  time.Time
	page    browser.Page
	refused bool // the person did not consent
}

// modelBrowser is the browser of a person, with what the model knows of its session.
type modelBrowser struct {
	*browser.Browser
	from     *modelSession
	authTime time.Time // of the latest sign-in
}

// modelSession is the session from which codes and tokens come.
type modelSession struct {
	user   string
	ended  bool
	voided bool      // void with its user, and so is everything that outlives the session
	over   bool      // it was idle for too long or reached its end, and its tokens have ended too
	began  time.Time // at the latest sign-in
	used   time.Time // the last time, by the browser, or by an app whose tokens end with the session
	// vague is set if the server may have continued it as the next one.
	vague bool
}

// modelCode is a code of an app, and later its refresh token.
type modelCode struct {
	modelTab
	code     string
	from     *modelSession
	authTime time.Time
	at       time.Time
	refresh  string
	last     time.Time // when the app got the refresh token
	void     bool      // it was used twice
}

// offline reports whether the tokens outlive their session.
func (c *modelCode) offline() bool { return c.client == "offline" }

// signInModel is many browsers at once. It knows what may be valid, not what must be: a session may
// end earlier than the model knows.
type signInModel struct {
	s        *site
	v        visitor
	browsers []*modelBrowser
	sessions []*modelSession
	tabs     []*modelTab
	codes    []*modelCode
	states   int
}

var modelUsers = map[string]struct{ id, password string }{
	"alice": {"0199a6f4-0000-7000-8000-000000000001", password},
	"bob":   {"0199a6f4-0000-7000-8000-000000000002", "the password of bob"},
}

var modelCallbacks = map[string]string{
	"web-app": appCallback, "spa": spaCallback, "second": "https://second.example.com/cb", "careful": "https://careful.example.com/cb", "offline": appCallback,
}

// Whatever browsers, tabs, apps and administrators do, and however the clock advances: no code and
// no session outlives its cause, no tab ends at the app of another, and the server obeys prompt and
// max_age (OpenID Connect Core §3.1.2.1, RFC 9700 §4.5).
func TestSignInOverTime(t *testing.T) {
	s, _, v := people(t)
	registered, err := s.db.Client(t.Context(), "web-app")
	s.ok(err)
	registered.ID, registered.Consent = "offline", store.ConsentNever
	s.ok(s.db.CreateClient(t.Context(), registered, storetest.By()))
	rapid.Check(t, func(rt *rapid.T) {
		m := &signInModel{s: s, v: v}
		for range 2 {
			m.browsers = append(m.browsers, &modelBrowser{Browser: s.browser(v.base)})
		}
		rt.Repeat(map[string]func(*rapid.T){
			"a tab is opened":     m.open,
			"a tab goes on":       m.goOn,
			"another tab goes on": m.goOn,
			"an app redeems":      m.redeem,
			"an app refreshes":    m.refreshes,
			"a person signs out":  m.signOut,
			"a user is disabled":  m.disable,
			"time passes": func(rt *rapid.T) {
				s.wait(rapid.SampledFrom([]time.Duration{time.Second, time.Second, 30 * time.Second, 2 * time.Minute, 10 * time.Minute, 3 * time.Hour, 30 * time.Hour}).Draw(rt, "how long"))
				m.housekeep(rt)
			},
		})
	})
}

// pick draws the index of an element, so that a failure prints only that.
func pick[T any](rt *rapid.T, what string, of []T) T {
	return of[rapid.IntRange(0, len(of)-1).Draw(rt, what)]
}

func (m *signInModel) open(rt *rapid.T) {
	m.states++
	tab := &modelTab{
		in:     pick(rt, "browser", m.browsers),
		client: rapid.SampledFrom([]string{"web-app", "spa", "second", "careful", "offline"}).Draw(rt, "client"),
		prompt: rapid.SampledFrom([]string{"", "", "none", "login"}).Draw(rt, "prompt"),
		maxAge: rapid.SampledFrom([]time.Duration{-1, -1, 0, time.Minute, time.Hour}).Draw(rt, "max_age"),
		state:  fmt.Sprintf("state %d", m.states), opened: m.s.clock(),
	}
	age := ""
	if tab.maxAge >= 0 {
		age = fmt.Sprint(int(tab.maxAge.Seconds()))
	}
	changes := []string{"state", tab.state, "nonce", tab.state, "prompt", tab.prompt, "max_age", age, "redirect_uri", modelCallbacks[tab.client]}
	if tab.client == "offline" {
		changes = append(changes, "scope", "openid read offline_access")
	}
	tab.page = tab.in.Open(authorization(tab.client, changes...))
	m.tabs = append(m.tabs, tab)
	m.look(rt, tab)
}

// goOn continues a tab with its page, whenever that was opened.
func (m *signInModel) goOn(rt *rapid.T) {
	if len(m.tabs) == 0 {
		return
	}
	tab := pick(rt, "tab", m.tabs)
	_, login := tab.page.IDs["password"]
	_, consent := tab.page.IDs["approve"]
	switch {
	case login:
		user := rapid.SampledFrom([]string{"alice", "alice", "bob"}).Draw(rt, "user")
		tab.page = tab.in.SignIn(tab.page, user, modelUsers[user].password)
		if _, again := tab.page.IDs["password"]; again {
			rt.Fatalf("%s is not signed in: %s", user, tab.page.Body)
		}
		m.signedIn(tab.in, user)
	case consent && rapid.IntRange(0, 4).Draw(rt, "consent") == 0:
		tab.page, tab.refused = tab.in.Send(tab.page, "decision", "deny"), true
		if tab.page.Left == nil {
			rt.Fatalf("refusing leads to %v", tab.page.URL)
		}
	case consent:
		tab.page = tab.in.Approve(tab.page)
	default:
		rt.Fatalf("the tab shows %v: %d %s", tab.page.URL, tab.page.Status, tab.page.Body)
	}
	m.look(rt, tab)
}

// signedIn records the session of a browser after a sign-in. Another person's sign-in ends the
// session before. If that may have ended by itself already, the next session is a new one.
func (m *signInModel) signedIn(b *modelBrowser, user string) {
	now := m.s.clock()
	if !m.lives(b) || b.from.user != user {
		m.leave(b)
		b.from = &modelSession{user: user}
		m.sessions = append(m.sessions, b.from)
	}
	b.from.began, b.from.used, b.authTime = now, now, now
}

// leave ends the session of a browser, if it did not end by itself before.
func (m *signInModel) leave(b *modelBrowser) {
	switch {
	case b.from == nil:
	case m.lives(b):
		b.from.ended = true
	default:
		b.from.vague = true
	}
	b.from = nil
}

// use records a use of a session, if it was not over by then.
func (m *signInModel) use(from *modelSession) {
	if from != nil && m.s.clock().Sub(from.used) <= sessionIdle {
		from.used = m.s.clock()
	}
}

// housekeep does the work of servers in each minute: expired sessions end with everything that came
// from them.
func (m *signInModel) housekeep(rt *rapid.T) {
	now := m.s.clock()
	m.s.ok(m.s.SignIn.Sessions.Seen.Flush(m.s.Context()))
	if _, err := m.s.Revoker.ExpiredSessions(m.s.Context(), storetest.By().Actor, store.At(now), 1000); err != nil {
		rt.Fatal(err)
	}
	for _, from := range m.sessions {
		from.over = from.over || now.Sub(from.used) > sessionIdle || now.Sub(from.began) > sessionMost
	}
}

// lives reports whether the session of a browser is certainly alive.
func (m *signInModel) lives(b *modelBrowser) bool {
	return b.from != nil && m.certain(b.from)
}

func (m *signInModel) certain(from *modelSession) bool {
	now := m.s.clock()
	return !from.ended && !from.vague && now.Sub(from.used) < sessionIdle/2 && now.Sub(from.began) < sessionMost/2
}

// look checks whether the model allows the page or the answer of a tab.
func (m *signInModel) look(rt *rapid.T, tab *modelTab) {
	now, in := m.s.clock(), tab.in
	alive := in.from != nil && !in.from.ended && now.Sub(in.from.used) <= sessionIdle && now.Sub(in.from.began) <= sessionMost || in.authTime.Equal(now)
	m.use(in.from)
	if tab.page.Left == nil {
		if tab.prompt == "none" {
			rt.Fatalf("prompt=none shows %v", tab.page.URL)
		}
		return
	}
	for i, open := range m.tabs {
		if open == tab {
			m.tabs = append(m.tabs[:i], m.tabs[i+1:]...)
			break
		}
	}
	answer := tab.page.Sent(m.s, modelCallbacks[tab.client])
	if answer.Get("state") != tab.state || answer.Get("iss") != issuer {
		rt.Fatalf("the answer of another request: %v", answer)
	}
	switch refusal := answer.Get("error"); {
	case refusal == "login_required" && tab.prompt == "none", refusal == "consent_required" && tab.prompt == "none", refusal == "access_denied" && tab.refused:
		return
	case refusal != "":
		rt.Fatalf("refused with %v", answer)
	case tab.refused:
		rt.Fatal("a code without consent")
	case in.from == nil || in.from.ended || !alive:
		rt.Fatal("a code without a session")
	case tab.prompt == "login" && in.authTime.Before(tab.opened):
		rt.Fatalf("prompt=login at %s, and the person signed in at %s", tab.opened, in.authTime)
	case tab.maxAge >= 0 && now.Sub(in.authTime) > tab.maxAge && in.authTime.Before(tab.opened):
		rt.Fatalf("max_age is %s, and the person signed in %s ago", tab.maxAge, now.Sub(in.authTime))
	}
	m.codes = append(m.codes, &modelCode{modelTab: *tab, code: answer.Get("code"), from: in.from, authTime: in.authTime, at: now})
}

func (m *signInModel) ask(client string, parameters ...string) answer {
	brought := secret
	if client == "spa" {
		brought = ""
	}
	return m.v.post(TokenPath, client, brought, parameters...)
}

func (m *signInModel) redeem(rt *rapid.T) {
	if len(m.codes) == 0 {
		return
	}
	c := pick(rt, "code", m.codes)
	got := m.ask(c.client, "grant_type", "authorization_code", "code", c.code, "redirect_uri", modelCallbacks[c.client], "code_verifier", verifier)
	fresh := m.s.clock().Sub(c.at) < codeLife
	may := c.refresh == "" && !c.void && !c.from.ended && fresh
	if c.refresh != "" {
		c.void = true // RFC 6749 §4.1.2: its tokens are void too
	}
	if ok := got.status == http.StatusOK; ok != may {
		rt.Fatalf("a code of %s, used before %t, its session ended %t: %d %s", m.s.clock().Sub(c.at), c.refresh != "", c.from.ended, got.status, got.body)
	}
	if !may {
		return
	}
	c.refresh, c.last = got.text(m.s, "refresh_token"), m.s.clock()
	claims := decoded(m.s, got.text(m.s, "id_token"))
	if claims["sub"] != modelUsers[c.from.user].id || claims["auth_time"] != float64(c.authTime.Unix()) || claims["nonce"] != c.state || claims["aud"] != c.client {
		rt.Fatalf("signed in was %s at %s, and the ID token says %v", c.from.user, c.authTime, claims)
	}
}

func (m *signInModel) refreshes(rt *rapid.T) {
	if len(m.codes) == 0 {
		return
	}
	c := pick(rt, "code", m.codes)
	if c.refresh == "" {
		return
	}
	got := m.ask(c.client, "grant_type", "refresh_token", "refresh_token", c.refresh)
	now, gone := m.s.clock(), !c.offline() && (c.from.ended || c.from.over && !c.from.vague)
	switch {
	case got.status == http.StatusOK && (c.void || c.from.voided || gone):
		rt.Fatalf("a refresh token is good: its code was used twice %t, its session: %+v", c.void, c.from)
	case got.status == http.StatusOK:
		c.refresh, c.last = got.text(m.s, "refresh_token"), now
		if !c.offline() {
			m.use(c.from)
		}
	case !strings.Contains(got.body, "invalid_grant"):
		rt.Fatalf("answered %d %s", got.status, got.body)
	case !c.void && !c.from.voided && now.Sub(c.last) < refreshIdle && now.Sub(c.at) < refreshMost && (c.offline() || m.certain(c.from)):
		rt.Fatalf("a refresh token of %s is not good, its session: %+v", now.Sub(c.last), c.from)
	}
}

func (m *signInModel) signOut(rt *rapid.T) {
	b := pick(rt, "browser", m.browsers)
	if p := submit(b.Browser, "/account/logout"); p.Status != http.StatusOK {
		rt.Fatalf("signing out: %d %s", p.Status, p.Body)
	}
	m.leave(b)
}

// disable disables a user and enables the user again: earlier tokens and sessions stay void.
func (m *signInModel) disable(rt *rapid.T) {
	name := rapid.SampledFrom([]string{"alice", "bob"}).Draw(rt, "user")
	user, err := m.s.db.UserByName(m.s.Context(), store.ByUsername, name)
	m.s.ok(err)
	for _, disabled := range []bool{true, false} {
		void := m.s.Revoker.User(&user, "user_disabled")
		user.Disabled = disabled
		m.s.ok(m.s.db.UpdateUser(m.s.Context(), user, storetest.Voiding(void)))
		user, err = m.s.db.User(m.s.Context(), user.ID)
		m.s.ok(err)
	}
	for _, from := range m.sessions {
		if from.user == name {
			from.ended, from.voided = true, true
		}
	}
	m.s.wait(time.Second) // a token of the very moment of a revocation counts as earlier
}
