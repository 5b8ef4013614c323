package blackbox

import (
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"strings"
	"testing"
	"time"

	"authserver/test/browser"
	"authserver/test/harness"
	"authserver/test/ports"
)

// demoSite is `authserver dev` at the address in its issuer, as by default.
func demoSite(t *testing.T) (*harness.Deployment, *harness.Server) {
	t.Helper()
	address := ports.Address(t)
	return harness.Dev(t, "--listen", address, "--issuer", "http://"+address)
}

// sends sends a form of the demo, and follows the redirects.
func sends(b *browser.Browser, form string, fields url.Values) browser.Page {
	b.Helper()
	return b.Follow(http.MethodPost, b.Base+"/demo/"+form, fields.Encode())
}

// says requires the page of the demo to contain texts.
func says(t *testing.T, p browser.Page, wanted ...string) {
	t.Helper()
	for _, text := range wanted {
		if !strings.Contains(p.Body, text) {
			t.Fatalf("%d %v: the page does not say %q: %s", p.Status, p.URL, text, p.Body)
		}
	}
}

// The app of dev signs a person in, and uses the tokens.
func TestDemo(t *testing.T) {
	t.Parallel()
	_, server := demoSite(t)
	for end := time.Now().Add(time.Minute); !strings.Contains(server.Printed(), server.URL+"/demo"); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("dev does not print the address of the demo: %s", server.Printed())
		}
	}
	b := browser.New(t, server.URL)
	says(t, b.Open("/demo"), `id="sign-in"`, "wonderland")
	inside := b.Approve(b.SignIn(sends(b, "sign-in", nil), "alice", "wonderland"))
	says(t, inside, "Alice Liddell", "alice@wonderland.example", "https://api.example.com", "Verified", "auth_time", "at_hash", "art_", "code_verifier", "aco_")
	for form, answer := range map[string]string{"refresh": "a new access token", "userinfo": "UserInfo answered"} {
		says(t, sends(b, form, nil), answer, "Verified")
	}
	says(t, sends(b, "sign-in", url.Values{"ask": {"none"}}), "The server answered with a code")
	again := sends(b, "sign-in", url.Values{"ask": {"recent"}})
	if _, asked := again.IDs["password"]; !asked {
		t.Errorf("max_age=0 asks for no password: %s", again.Body)
	}
	says(t, b.SignIn(again, "alice", "wonderland"), "The server answered with a code")

	// The page shows the refusals of the server.
	stranger := browser.New(t, server.URL)
	says(t, sends(stranger, "sign-in", url.Values{"ask": {"none"}}), `id="error"`, "login_required", `id="sign-in"`)

	says(t, sends(b, "revoke", nil), "The tokens are revoked", `id="sign-in"`)
	says(t, sends(b, "refresh", nil), `id="sign-in"`)
	says(t, sends(b, "sign-in", nil), "The server answered with a code", `id="sign-out"`)

	// After the logout the server asks for the password again.
	says(t, sends(b, "sign-out", nil), "You are signed out")
	says(t, b.Open("/demo"), `id="sign-in"`)
	if _, asked := sends(b, "sign-in", nil).IDs["password"]; !asked {
		t.Error("the session goes on after the logout")
	}
}

// The app does what the tables of RFC 9700 §4 and OpenID Connect Core §16 require of apps.
func TestDemoIsAttacked(t *testing.T) {
	t.Parallel()
	_, server := demoSite(t)
	signedIn := func() *browser.Browser {
		b := browser.New(t, server.URL)
		p := b.SignIn(sends(b, "sign-in", nil), "alice", "wonderland")
		if _, asked := p.IDs["approve"]; asked {
			p = b.Approve(p)
		}
		says(t, p, "Alice Liddell")
		return b
	}
	alice := signedIn()
	stop := func(b *browser.Browser) url.Values { // returns an answer that has not reached the app yet
		b.Base = server.URL + "/oauth2" // every other path is outside
		defer func() { b.Base = server.URL }()
		return b.Follow(http.MethodPost, server.URL+"/demo/sign-in", "").Sent(t, server.URL+"/demo/callback")
	}
	for _, c := range []struct {
		name   string
		change func(answer url.Values)
		by     func() *browser.Browser
		want   string
	}{
		{"a code is put into another browser (RFC 9700 §4.5, §4.7)", func(url.Values) {}, signedIn, "belongs to no sign-in"},
		{"a code is put into a browser without a sign-in", func(url.Values) {}, func() *browser.Browser { return browser.New(t, server.URL) }, "belongs to no sign-in"},
		{"the answer of another server (RFC 9700 §4.4)", func(a url.Values) { a.Set("iss", "https://evil.example") }, nil, "evil.example"},
		{"an answer without issuer", func(a url.Values) { a.Del("iss") }, nil, "the answer is from"},
		{"an answer without state", func(a url.Values) { a.Del("state") }, nil, "belongs to no sign-in"},
		{"a code that is forged", func(a url.Values) { a.Set("code", "aco_x") }, nil, "invalid_grant"},
		{"an error with a script in it", func(a url.Values) { a.Set("error", "<script>alert(1)</script>") }, nil, "&lt;script&gt;"},
	} {
		answer := stop(alice)
		c.change(answer)
		b := alice
		if c.by != nil {
			b = c.by()
		}
		says(t, b.Open("/demo/callback?"+answer.Encode()), `id="error"`, c.want)
	}
	answer := stop(alice)
	says(t, alice.Open("/demo/callback?"+answer.Encode()), "The server answered with a code")
	says(t, alice.Open("/demo/callback?"+answer.Encode()), "belongs to no sign-in") // a second time

	// The app replaces a cookie that an attacker has planted when the person signs in.
	planted := browser.New(t, server.URL)
	sends(planted, "sign-in", nil)
	u, err := url.Parse(server.URL + "/demo")
	if err != nil {
		t.Fatal(err)
	}
	before := planted.Client.Jar.Cookies(u)[0]
	planted.Approve(planted.SignIn(sends(planted, "sign-in", url.Values{"ask": {"consent"}}), "alice", "wonderland"))
	thief := browser.New(t, server.URL)
	if thief.Client.Jar, err = cookiejar.New(nil); err != nil {
		t.Fatal(err)
	}
	thief.Client.Jar.SetCookies(u, []*http.Cookie{before})
	says(t, thief.Open("/demo"), `id="sign-in"`)

	// Other sites can send no form, frame no page, and reach the app under no other name.
	for name, request := range map[string]struct {
		header http.Header
		host   string
		want   int
	}{
		"a form of another site": {http.Header{"Sec-Fetch-Site": {"cross-site"}, "Origin": {"https://evil.example"}}, "", http.StatusForbidden},
		"a name that leads here": {http.Header{"Sec-Fetch-Site": {"same-origin"}}, "evil.example", http.StatusBadRequest},
	} {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, server.URL+"/demo/revoke", http.NoBody)
		if err != nil {
			t.Fatal(err)
		}
		r.Header, r.Host = request.header, request.host
		response, err := alice.Client.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		_ = response.Body.Close() // only its status matters
		if response.StatusCode != request.want {
			t.Errorf("%s: answered %d, want %d", name, response.StatusCode, request.want)
		}
	}
	page := alice.Open("/demo")
	says(t, page, "Alice Liddell")
	if policy := page.Header.Get("Content-Security-Policy"); !strings.HasPrefix(policy, "default-src 'none'") || !strings.Contains(policy, "frame-ancestors 'none'") || strings.Contains(policy, "script-src") {
		t.Errorf("the page has the policy %s", policy)
	}
}

// serve has no page for developers.
func TestServeHasNoDemo(t *testing.T) {
	t.Parallel()
	d := harness.SQLite(t)
	d.Set("ISSUER", "http://127.0.0.1:8080")
	server := d.Start()
	for _, path := range []string{"/demo", "/demo/", "/demo/callback", "/demo/demo.css"} {
		if p := browser.New(t, server.URL).Open(path); p.Status != http.StatusNotFound {
			t.Errorf("serve answers %d at %s", p.Status, path)
		}
	}
}
