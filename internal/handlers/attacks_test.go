package handlers

import (
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"authserver/internal/store"
	"authserver/internal/store/storetest"
	"authserver/test/browser"
)

// RFC 6749 §10.14, OAuth 2.0 Form Post Response Mode: the state of a request is text in the answer.
// It adds no header, no element, and no other parameter.
func TestStateIsText(t *testing.T) {
	_, b, _ := people(t)
	b.SignIn(b.Open(authorization("second")), "alice", password).Sent(t, "https://second.example.com/")
	for name, state := range map[string]string{
		"a header":               "x\r\nSet-Cookie: session=evil\r\n\r\n<script>",
		"a line break":           "x\n",
		"a NUL":                  "x\x00y",
		"an element":             `"><script>alert(1)</script>`,
		"an attribute":           `' onfocus='alert(1)' "`,
		"parameters":             "x&code=evil&iss=https://evil.example",
		"parameters, escaped":    "x%26code%3Devil",
		"a fragment":             "x#access_token=evil",
		"another direction":      "x\u202ey",
		"a template":             "{{.}}${7*7}",
		"what is no UTF-8":       "x\xff",
		"an address of a script": "javascript:alert(1)",
	} {
		for _, refused := range []bool{false, true} {
			changes := []string{"state", state}
			if refused {
				changes = append(changes, "scope", "admin")
			}
			for _, mode := range []string{"query", "fragment"} {
				p := b.Open(authorization("second", append(changes, "response_mode", mode)...))
				got := p.Sent(t, "https://second.example.com/cb"+map[string]string{"query": "?", "fragment": "#"}[mode])
				if got.Get("state") != state || len(got["code"])+len(got["error"]) != 1 || !slices.Equal(got["iss"], []string{issuer}) || got.Has("access_token") || got.Has("session") {
					t.Errorf("%s by %s: answered %v", name, mode, got)
				}
				if location := p.Header.Get("Location"); p.Header.Get("Set-Cookie") != "" || strings.ContainsAny(location, "\r\n\x00<>\" ") {
					t.Errorf("%s by %s: header %v", name, mode, p.Header)
				}
			}
			p := b.Open(authorization("second", append(changes, "response_mode", "form_post")...))
			plain := strings.NewReplacer("\r\n", "\n", "\x00", "\ufffd").Replace(state) // in the form of HTML
			if p.Action != "https://second.example.com/cb" || p.Fields.Get("state") != plain || len(p.Fields["code"])+len(p.Fields["error"]) != 1 || !slices.Equal(p.Fields["iss"], []string{issuer}) {
				t.Errorf("%s by form_post: %s %v", name, p.Action, p.Fields)
			}
			if p.Header.Get("Set-Cookie") != "" || strings.Count(p.Body, "<script") != 1 || strings.Contains(p.Body, "onfocus='") {
				t.Errorf("%s by form_post: %v %s", name, p.Header, p.Body)
			}
		}
	}
}

// RFC 6749 §10.12, RFC 9700 §4.7, RFC 6819 §4.4.1.8: the server refuses the form of a page from
// another site. The test takes the forms from the table of routes, so that it includes new ones.
func TestNoFormIsTakenFromOtherSites(t *testing.T) {
	s, _, v := people(t)
	b, token := signedIn(t, s, v, firefox)
	waiting := map[string]browser.Page{
		LoginPath: b.Open(authorization("spa", "prompt", "login")), ConsentPath: b.Open(authorization("spa")),
		AccountsPath: b.Open(authorization("spa", "prompt", "select_account")), LogoutPath: b.Open(LogoutPath),
	}
	fields := url.Values{
		"username": {"bob"}, "password": {"the password of bob"}, "decision": {"approve"}, "account": {aliceID}, "session": {"all"}, "app": {"web-app"},
		"current": {password}, "new": {"curiouser and curiouser"}, "again": {"curiouser and curiouser"}, "name": {"Mallory"},
	}
	for _, row := range s.Public.people() {
		if row.Method != http.MethodPost || row.Path == AuthorizePath || row.Path == EndSessionPath { // other sites may send these two
			continue
		}
		form := url.Values{"continue": waiting[row.Path].Fields["continue"]}
		for name, value := range fields {
			form[name] = value
		}
		if row.Path == LogoutPath {
			form.Set("decision", "yes")
		}
		for name, header := range map[string]map[string]string{
			"another site":                       {"Sec-Fetch-Site": "cross-site", "Origin": "https://evil.example"},
			"another host of the site":           {"Sec-Fetch-Site": "same-site", "Origin": "https://www." + strings.TrimPrefix(issuer, "https://")},
			"another site, by an old browser":    {"Origin": "https://evil.example"},
			"a frame without an origin":          {"Sec-Fetch-Site": "cross-site", "Origin": "null"},
			"a registered app":                   {"Sec-Fetch-Site": "cross-site", "Origin": "https://app.example.com"},
			"a host whose name begins like ours": {"Origin": issuer + ".evil.example"},
		} {
			b.Header = header
			p := b.Follow(http.MethodPost, b.Base+row.Path, form.Encode())
			if _, says := p.IDs["error"]; p.Status != http.StatusForbidden || !says || p.Header.Get("Set-Cookie") != "" || len(p.Hops) != 1 {
				t.Errorf("%s takes the form of %s: %d %v", row.Path, name, p.Status, p.Hops)
			}
		}
	}
	b.Header = map[string]string{"Sec-Fetch-Site": "same-origin"}
	if p := b.Open(AccountPath); !strings.Contains(p.Body, "alice") || strings.Contains(p.Body, "Mallory") {
		t.Errorf("what other sites sent was done: %s", p.Body)
	}
	if p := b.Open(authorization("spa")); p.URL.Path != ConsentPath {
		t.Errorf("another site consented: %v", p.URL)
	}
	if a := refresh(v, token); a.status != http.StatusOK {
		t.Errorf("another site took the access of an app: %s", a.body)
	}
}

// RFC 6749 §10.13, RFC 9700 §4.2.4 and §4.16, RFC 6819 §4.4.1.9: no page can be framed or is
// cached, and other sites do not learn its address.
func TestPagesAreNotFramed(t *testing.T) {
	s, b, _ := people(t)
	shown := map[string]browser.Page{"login": b.Open(authorization("web-app"))}
	shown["a wrong password"] = b.SignIn(shown["login"], "alice", "wrong")
	shown["consent"] = b.SignIn(shown["login"], "alice", password)
	shown["accounts"] = b.Open(authorization("web-app", "prompt", "select_account"))
	shown["an answer by form_post"] = b.Open(authorization("second", "response_mode", "form_post"))
	for _, row := range s.Public.people() {
		if row.Method == http.MethodGet && !strings.HasPrefix(row.Path, "/assets/") {
			shown[row.Path] = b.Open(row.Path)
		}
	}
	shown["logged out"] = b.Send(shown[LogoutPath], "decision", "yes")
	for name, p := range shown {
		policy := p.Header.Get("Content-Security-Policy")
		if !strings.Contains(policy, "frame-ancestors 'none'") || !strings.Contains(policy, "default-src 'none'") || strings.Contains(policy, "unsafe") || p.Header.Get("X-Frame-Options") != "DENY" {
			t.Errorf("%s can be framed: %d %v", name, p.Status, p.Header)
		}
		if p.Header.Get("Referrer-Policy") != "same-origin" || p.Header.Get("Cache-Control") != "no-store" {
			t.Errorf("%s leaves traces: %v", name, p.Header)
		}
	}
}

// RFC 9700 §4.12, OpenID Connect Core §16.22: after a form the browser continues by GET, without
// the content of the form.
func TestCredentialsAreNotSentOn(t *testing.T) {
	_, b, _ := people(t)
	var locations []string
	b.Client.Transport = recorded(func(r *http.Response) {
		if location := r.Header.Get("Location"); location != "" {
			locations = append(locations, location)
			if r.StatusCode != http.StatusSeeOther || r.Header.Get("Referrer-Policy") != "no-referrer" || r.Header.Get("Cache-Control") != "no-store" {
				t.Errorf("%s redirects with %d %v", r.Request.URL.Path, r.StatusCode, r.Header)
			}
		}
	})
	login := b.Open(authorization("web-app"))
	b.SignIn(login, "alice", "a guess of alice")
	b.Approve(b.SignIn(login, "alice", password)).Sent(t, appCallback)
	submit(b, "/account/password", "current", "a guess of alice", "new", "curiouser and curiouser", "again", "curiouser and curiouser")
	for _, location := range locations {
		for _, secret := range []string{"guess", password, "alice", "curiouser"} {
			if strings.Contains(location, secret) {
				t.Errorf("%q is in the address %s", secret, location)
			}
		}
	}
	if len(locations) < 6 {
		t.Errorf("%d redirects were seen", len(locations))
	}
}

// recorded sees each answer that a client gets.
type recorded func(*http.Response)

func (look recorded) RoundTrip(r *http.Request) (*http.Response, error) {
	response, err := http.DefaultTransport.RoundTrip(r)
	if err == nil {
		look(response)
	}
	return response, err
}

// RFC 6749 §10.2, RFC 6819 §4.2.2 and §4.2.3: consent counts only for the person, the client and
// the content of the page.
func TestConsentCoversWhatWasShown(t *testing.T) {
	s, b, v := people(t)
	wide := authorization("web-app", "scope", "openid read write offline_access")
	narrow := b.SignIn(b.Open(authorization("web-app", "scope", "openid read")), "alice", password)
	b.Approve(narrow).Sent(t, appCallback)
	for name, path := range map[string]string{
		"more scopes": wide, "a scope that outlives the session": authorization("web-app", "scope", "openid read offline_access"),
		"all of its scopes": authorization("web-app", "scope", "", "nonce", ""), "another client": authorization("spa", "scope", "openid read"),
	} {
		if got := b.Open(path + "&prompt=none"); got.Left == nil || !strings.Contains(got.Left.RawQuery, "error=consent_required") {
			t.Errorf("%s: sent to %v", name, got.Left)
		}
		if got := b.Open(path); got.URL.Path != ConsentPath {
			t.Errorf("%s: not asked for, at %v, sent to %v", name, got.URL, got.Left)
		}
	}
	// The page of the narrow request gives no consent to the wide one, nor to another client's.
	for _, path := range []string{wide, authorization("spa")} {
		asked := b.Open(path)
		asked.Fields.Set("continue", narrow.Fields.Get("continue"))
		b.Approve(asked)
		if got := b.Open(path); got.URL.Path != ConsentPath {
			t.Errorf("the page of one request answers another: %v", got.Left)
		}
	}
	// The address of a page that was never shown decides nothing, because the form contains the
	// sealed content of the page.
	asked := b.Open(wide)
	asked.Fields.Set("continue", asked.URL.Query().Get("continue"))
	if got := b.Approve(asked); got.Left != nil || got.URL.Path != ConsentPath {
		t.Errorf("the address of a page counts as its form: %v", got.Left)
	}
	// The client has changed since the page was shown.
	before := b.Open(wide)
	client, err := s.db.Client(t.Context(), "web-app")
	s.ok(err)
	client.Scopes = client.Scopes.Without("write")
	s.ok(s.db.UpdateClient(t.Context(), client, storetest.By()))
	b.Approve(before).Sent(t, appCallback+"&error=invalid_scope")
	// Another person has consented to nothing.
	bob := s.browser(v.base)
	if got := bob.SignIn(bob.Open(authorization("web-app", "scope", "openid read")), "bob", "the password of bob"); got.URL.Path != ConsentPath {
		t.Errorf("bob is not asked: %v", got.Left)
	}
}

// RFC 9700 §4.5 and §4.7, RFC 6819 §4.4.1.6: a browser that opens the address of another person's
// page gets only its own data.
func TestAddressesOfPagesBelongToNoPerson(t *testing.T) {
	s, b, v := people(t)
	login := b.Open(authorization("web-app"))
	consent := b.SignIn(login, "alice", password)
	s.wait(time.Second)
	accounts := b.Open(authorization("web-app", "prompt", "select_account"))
	other := b.Send(accounts, "account", "other")
	chosen := b.Send(accounts, "account", aliceID)
	answered := b.Approve(consent).Sent(t, appCallback).Get("code")
	for name, page := range map[string]browser.Page{"login": login, "consent": consent, "accounts": accounts, "another account": other, "the account that was chosen": chosen} {
		path := strings.TrimPrefix(page.URL.String(), b.Base)
		if p := s.browser(v.base).Open(path); p.URL.Path != LoginPath || strings.Contains(p.Body, "alice") {
			t.Errorf("%s: a stranger is at %v, sent to %v", name, p.URL, p.Left)
		}
		bob := s.browser(v.base)
		p := bob.SignIn(bob.Open(path), "bob", "the password of bob")
		if strings.Contains(p.Body, "alice") {
			t.Errorf("%s: bob sees alice: %s", name, p.Body)
		}
		if p.Left == nil { // the server remembers the first consent
			p = bob.Approve(p)
		}
		code := p.Sent(t, appCallback).Get("code")
		if got := decoded(t, v.exchangeOf("web-app", code)["id_token"].(string))["sub"]; got == aliceID || code == answered {
			t.Errorf("%s: bob is signed in as alice", name)
		}
	}
	// The form of the page of accounts names the person to whom it was shown.
	bob := s.browser(v.base)
	bob.SignIn(bob.Open(authorization("second")), "bob", "the password of bob")
	code := bob.Send(accounts, "account", aliceID).Sent(t, appCallback).Get("code")
	if got := decoded(t, v.exchangeOf("web-app", code)["id_token"].(string))["sub"]; got == aliceID {
		t.Error("bob chooses the account of alice")
	}
}

// RFC 9126 §7.3 and §7.5: if two people open a pushed request, only one of them gets an answer.
func TestPushedRequestAnswersOnePerson(t *testing.T) {
	s, b, v := people(t)
	path, _ := v.push("web-app", secret)
	mine := b.SignIn(b.Open(path), "alice", password)
	bob := s.browser(v.base)
	his := bob.SignIn(bob.Open(path), "bob", "the password of bob")
	code := b.Approve(mine).Sent(t, appCallback).Get("code")
	if got := bob.Approve(his).Sent(t, appCallback); got.Get("error") != "invalid_request_uri" || got.Has("code") {
		t.Errorf("the other person is answered with %v", got)
	}
	if got := decoded(t, v.exchangeOf("web-app", code)["id_token"].(string))["sub"]; got != aliceID {
		t.Errorf("the code is of %v", got)
	}
}

// OpenID Connect Core §3.1.2.1 and §3.1.2.2: a hint signs no one in, and only the person that it
// names gets an answer.
func TestHintsSignNoOneIn(t *testing.T) {
	s, b, v := people(t)
	hint := exchangeAt(t, b, v)["id_token"].(string)
	none := func(b *browser.Browser, changes ...string) url.Values {
		t.Helper()
		return b.Open(authorization("web-app", append(changes, "prompt", "none")...)).Sent(t, appCallback)
	}
	for name, change := range map[string][]string{"login_hint": {"login_hint", "alice"}, "id_token_hint": {"id_token_hint", hint}, "sub": {"claims", `{"id_token":{"sub":{"value":"` + aliceID + `"}}}`}} {
		if got := none(s.browser(v.base), change...); got.Get("error") != "login_required" || got.Has("code") {
			t.Errorf("%s signs in: %v", name, got)
		}
		bob := s.browser(v.base)
		if p := bob.SignIn(bob.Open(authorization("web-app")), "bob", "the password of bob"); p.Left == nil {
			bob.Approve(p).Sent(t, appCallback)
		}
		s.wait(time.Second)
		if name == "login_hint" {
			if got := v.exchangeOf("web-app", none(bob, change...).Get("code")); decoded(t, got["id_token"].(string))["sub"] == aliceID {
				t.Error("by login_hint bob becomes alice")
			}
			continue
		}
		if got := none(bob, change...); got.Get("error") != "login_required" || got.Has("code") {
			t.Errorf("%s of alice answers for bob: %v", name, got)
		}
		asked := bob.Open(authorization("web-app", change...))
		if got := bob.SignIn(asked, "bob", "the password of bob").Sent(t, appCallback); got.Get("error") != "login_required" || got.Has("code") {
			t.Errorf("%s of alice answers for bob, who signed in again: %v", name, got)
		}
	}
	if got := b.Open(authorization("second", "id_token_hint", hint, "prompt", "none")).Sent(t, "https://second.example.com/"); got.Get("error") != "invalid_request" {
		t.Errorf("the ID token of another client: %v", got)
	}
}

// OpenID Connect Core §15.5.2 and §16.11, RFC 9700 §4.5.3.2: an ID token has the nonce of the
// request that led to it, however many requests there are.
func TestNonceIsOfItsRequest(t *testing.T) {
	s, b, v := people(t)
	b.SignIn(b.Open(authorization("second")), "alice", password)
	codes := map[string]string{}
	for _, nonce := range []string{"one", "two", ""} {
		codes[nonce] = b.Open(authorization("second", "nonce", nonce)).Sent(t, "https://second.example.com/").Get("code")
	}
	for nonce, code := range codes {
		if got, _ := decoded(t, v.exchangeOf("second", code)["id_token"].(string))["nonce"].(string); got != nonce {
			t.Errorf("the nonce is %q, want %q", got, nonce)
		}
	}
	s.wait(time.Second)
	b.SignIn(b.Open(authorization("legacy", "prompt", "login")), "alice", password)
	for _, nonce := range []string{"three", "four"} {
		front := fragment(t, b.Open(authorization("legacy", "response_type", "code id_token", "nonce", nonce)))
		back := v.exchangeOf("legacy", front.Get("code"))
		for _, token := range []string{front.Get("id_token"), back["id_token"].(string)} {
			if got := decoded(t, token)["nonce"]; got != nonce {
				t.Errorf("the nonce is %v, want %q", got, nonce)
			}
		}
	}
}

// OpenID Connect Back-Channel Logout 1.0 §2.1, Front-Channel Logout 1.0 §3: each session has a sid
// of its own, which is the same for every client and gives no access.
func TestSIDNamesOneSession(t *testing.T) {
	s, b, v := people(t)
	sid := func(b *browser.Browser, client string) string {
		t.Helper()
		p := b.Open(authorization(client))
		if _, asked := p.IDs["password"]; asked {
			p = b.SignIn(p, "alice", password)
		}
		name, _ := decoded(t, v.exchangeOf(client, p.Sent(t, "https://").Get("code"))["id_token"].(string))["sid"].(string)
		return name
	}
	phone := s.browser(v.base)
	here, there, elsewhere := sid(b, "second"), sid(b, "legacy"), sid(phone, "second")
	if here == "" || here != there || here == elsewhere {
		t.Errorf("sid is %q at one client, %q at another, %q in another browser", here, there, elsewhere)
	}
	base, err := url.Parse(v.base)
	s.ok(err)
	thief := s.browser(v.base)
	thief.Client.Jar.SetCookies(base, []*http.Cookie{{Name: "session", Value: here, Path: "/"}})
	if isIn(thief) {
		t.Error("the sid is the secret of the session")
	}
	submit(b, "/account/logout")
	if after := sid(b, "second"); after == here {
		t.Error("the next session has the sid of the one before")
	}
	if !isIn(phone) {
		t.Error("the end of one session ends another")
	}
}

// RFC 6265bis §8.6: if another program on this machine has set a second cookie, the person is not
// signed in as someone else, and the page says what is wrong instead of redirecting in circles.
func TestTossedCookie(t *testing.T) {
	s, b, v := people(t)
	mallory := s.browser(v.base)
	mallory.SignIn(mallory.Open(authorization("second")), "bob", "the password of bob")
	base, err := url.Parse(v.base)
	s.ok(err)
	var tossed string
	for _, c := range mallory.Client.Jar.Cookies(base) {
		if c.Name == "session" {
			tossed = c.Value
		}
	}
	b.SignIn(b.Open(authorization("second")), "alice", password)
	for _, path := range []string{AuthorizePath, AccountPath, EndSessionPath} {
		b.Client.Jar.SetCookies(base.JoinPath(path), []*http.Cookie{{Name: "session", Value: tossed, Path: path}})
	}
	for name, p := range map[string]browser.Page{
		"authorize": b.Open(authorization("second")), "prompt=none": b.Open(authorization("second", "prompt", "none")),
		"account": b.Open(AccountPath), "a form of the account": submit(b, "/account/profile", "name", "Alice"), "logout": b.Open(logout()),
	} {
		if p.Left != nil || p.Status != http.StatusBadRequest || strings.Contains(p.Body, "bob") || !strings.Contains(p.Body, "delete the cookies of this site") {
			t.Errorf("%s: answered %d, sent to %v: %s", name, p.Status, p.Left, p.Body)
		}
	}
	if p := mallory.Open(AccountPath); !strings.Contains(p.Body, "bob") || strings.Contains(p.Body, `value="Alice"`) {
		t.Errorf("a form was taken for another: %s", p.Body)
	}
}

// changes matches what differs in every login page.
var changes = regexp.MustCompile(`continue=[^"&]*|value="[^"]*"`)

// RFC 6749 §10.10, RFC 6819 §4.4.3.6: the login page does not reveal which accounts exist.
func TestLoginPageTellsNoUsersApart(t *testing.T) {
	s, _, v := people(t)
	disabled, err := s.db.UserByName(t.Context(), store.ByUsername, "bob")
	s.ok(err)
	disabled.Disabled = true
	s.ok(s.db.UpdateUser(t.Context(), disabled, storetest.By()))
	said := map[string]bool{}
	for _, who := range [][2]string{{"alice", "wrong"}, {"unknown", "wrong"}, {"bob", "wrong"}, {"bob", "the password of bob"}} {
		b := s.browser(v.base)
		p := b.SignIn(b.Open(authorization("web-app")), who[0], who[1])
		if len(b.Client.Jar.Cookies(p.URL)) > 0 || p.Status != http.StatusOK || p.URL.Path != LoginPath {
			t.Errorf("%s: %d %v", who, p.Status, p.URL)
		}
		said[changes.ReplaceAllString(p.Body, "")] = true
	}
	if len(said) != 1 {
		t.Errorf("the page says %d different things: %v", len(said), said)
	}
}
