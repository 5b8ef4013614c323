//go:build browser

package pages

import (
	"crypto/sha256"
	"encoding/base64"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"authserver/test/harness"
	"authserver/test/ports"
)

func TestMain(m *testing.M) { harness.Main(m) }

const verifier = "dBjftJeZ4CVP-mBUJ6xWpAJvCBnOnEsS0rfkyBUGqjk"

// world is a real server, an app that requests codes, and a browser.
type world struct {
	*testing.T
	server   *harness.Deployment
	running  *harness.Server
	callback string
	codes    chan url.Values // the parameters at the callback
}

func newWorld(t *testing.T) *world {
	t.Helper()
	return newWorldOn(t, harness.SQLite(t))
}

// newWorldOn is newWorld on a database.
func newWorldOn(t *testing.T, d *harness.Deployment) *world {
	t.Helper()
	w := &world{T: t, server: d, codes: make(chan url.Values, 16)}
	app := httptest.NewServer(http.HandlerFunc(func(out http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/callback" {
			w.codes <- r.URL.Query()
		}
		out.Header().Set("Content-Type", "text/html")
		_, _ = out.Write([]byte("<!doctype html><title>taken</title>"))
	}))
	t.Cleanup(app.Close)
	w.callback = strings.Replace(app.URL, "127.0.0.1", "localhost", 1) + "/callback"
	address := ports.Address(t)
	w.server.Set("LISTEN", address) // the same after a restart
	w.server.Set("ISSUER", "http://"+address)
	w.server.Run("migrate", "up")
	w.server.Run("resource", "create", "--id", "https://api.example.com", "--scope", "read")
	w.server.Run("client", "create", "--id", "photos", "--name", "Photo Album", "--public", "--grant", "authorization_code", "--scope", "read",
		"--resource", "https://api.example.com", "--redirect-uri", w.callback)
	w.server.RunWith("curiouser-and-curiouser", "user", "create", "--username", "alice", "--password-stdin")
	w.running = w.server.Start()
	return w
}

// ask returns the address of an authorization request with a state.
func (w *world) ask(state string, more ...string) string {
	challenge := sha256.Sum256([]byte(verifier))
	query := url.Values{
		"response_type": {"code"}, "client_id": {"photos"}, "redirect_uri": {w.callback}, "scope": {"read"}, "state": {state},
		"code_challenge": {base64.RawURLEncoding.EncodeToString(challenge[:])}, "code_challenge_method": {"S256"},
	}
	for i := 0; i+1 < len(more); i += 2 {
		query.Set(more[i], more[i+1])
	}
	return w.running.URL + "/oauth2/authorize?" + query.Encode()
}

// answer returns the answer that the app got, and requires a state.
func (w *world) answer(b tab, state string) url.Values {
	w.Helper()
	got := await(w.T, w.codes, "the answer for "+state)
	b.arrive()
	if got.Get("state") != state || got.Get("iss") != w.running.URL {
		w.Fatalf("the app got %v, want an answer for %s", got, state)
	}
	return got
}

// redeem exchanges a code for tokens.
func (w *world) redeem(answer url.Values) {
	w.Helper()
	got := w.running.Post(w.T, "/oauth2/token", harness.Credentials{}, url.Values{
		"grant_type": {"authorization_code"}, "code": {answer.Get("code")}, "redirect_uri": {w.callback}, "client_id": {"photos"}, "code_verifier": {verifier},
	})
	if got.Status != http.StatusOK || got.Text("access_token") == "" {
		w.Fatalf("the code %v was answered with %d %v", answer, got.Status, got.Text("error_description"))
	}
}

// forget removes the cookies, so that no person is signed in.
func (b tab) forget() {
	b.t.Helper()
	call(b, network.ClearBrowserCookies, cdp.Empty{})
}

// TestSignIn signs in only by keyboard, with JavaScript and without: a wrong password first, then
// consent, then without any page.
func TestSignIn(t *testing.T) {
	w, b := newWorld(t), openBrowser(t)
	for i, script := range []bool{true, false} {
		call(b, emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: !script})
		b.forget()
		b.open(w.ask("first"))
		b.press("alice", kb.Tab, "looking glass", kb.Enter)
		b.at("/login", `document.getElementById("error") != null`)
		b.settle()
		b.press("curiouser-and-curiouser", kb.Enter)
		if i == 0 { // the server remembers the consent
			b.at("/consent", `document.getElementById("approve") != null`)
			b.press(kb.Tab, kb.Enter)
		}
		w.redeem(w.answer(b, "first"))
		b.open(w.ask("second")) // leads to the app at once
		w.redeem(w.answer(b, "second"))
	}
}

// TestDeny refuses consent.
func TestDeny(t *testing.T) {
	w, b := newWorld(t), openBrowser(t)
	b.open(w.ask("x"))
	b.press("alice", kb.Tab, "curiouser-and-curiouser", kb.Enter)
	b.at("/consent", `document.getElementById("deny") != null`)
	b.press(kb.Tab, kb.Tab, kb.Enter)
	if got := w.answer(b, "x"); got.Get("error") != "access_denied" || got.Get("code") != "" {
		t.Errorf("the app got %v", got)
	}
}

// TestTabs begins in two tabs and ends in both, each for its own request. Then it goes back in the
// history, reloads, and restarts the server, between a page and its form.
func TestTabs(t *testing.T) {
	w, b := newWorld(t), openBrowser(t)
	other := b.tab()
	b.open(w.ask("one"))
	other.open(w.ask("two", "ui_locales", "ar"))
	other.press("alice", kb.Tab, "curiouser-and-curiouser", kb.Enter)
	other.at("/consent", `document.documentElement.dir == "rtl"`)
	other.press(kb.Tab, kb.Enter)
	w.redeem(w.answer(other, "two"))

	b.press("alice", kb.Tab, "curiouser-and-curiouser", kb.Enter) // the page was left open meanwhile
	w.redeem(w.answer(b, "one"))

	b.forget()
	b.open(w.ask("three"))
	value(b, chromedp.Reload())
	b.settle()
	w.running.Stop()
	w.running = w.server.Start()
	b.press("alice", kb.Tab, "curiouser-and-curiouser", kb.Enter)
	w.redeem(w.answer(b, "three"))
}

// TestErrorPage shows the error of a request if there is no app to redirect to.
func TestErrorPage(t *testing.T) {
	w, b := newWorld(t), openBrowser(t)
	b.open(w.ask("x", "redirect_uri", "https://evil.example/callback", "ui_locales", "fr"))
	if got := ask[string](b, `document.documentElement.lang + " " + (document.getElementById("error") != null) + " " + document.body.innerText.includes("evil.example/callback")`); got != "fr true false" {
		t.Errorf("the page is %s: %s", got, ask[string](b, `document.body.innerText`))
	}
}
