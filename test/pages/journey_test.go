//go:build browser

package pages

import (
	"html/template"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"authserver/test/harness"
)

const (
	approve = `document.getElementById("approve") != null`
	login   = `document.getElementById("login") != null`
)

// signIn fills in the login page of a tab.
func (b tab) signIn() {
	b.t.Helper()
	b.at("/login", login)
	b.settle()
	b.press("alice", kb.Tab, "curiouser-and-curiouser", kb.Enter)
}

// consent approves on the consent page of a tab.
func (b tab) consent() {
	b.t.Helper()
	b.at("/consent", approve)
	b.press(kb.Tab, kb.Enter)
}

// back goes one page back, with the button of the browser. Chromium shows the page as it was left,
// or requests it again, and then the server redirects the browser if there is nothing to do. If the
// page is shown, the person does again what it asks.
func (b tab) back(w *world, page string) {
	b.t.Helper()
	ask[bool](b, `(setTimeout(() => history.back(), 0), true)`)
	again := `location.pathname == "` + page + `" && document.readyState == "complete" && (() => {
		for (const [id, text] of [["username", "alice"], ["password", "curiouser-and-curiouser"]])
			if (document.getElementById(id)) document.getElementById(id).value = text;
		document.querySelector("#login, #approve").click();
		return true;
	})()`
	for end := time.Now().Add(patience); time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
		if len(w.codes) > 0 { // it was redirected
			return
		}
		if there, err := chromedp.Run(b.ctx, chromedp.Evaluate[bool](again)); err == nil && there {
			return
		}
	}
	b.t.Fatalf("there is no way back to %s: %s", page, ask[string](b, `location.href + " " + document.body.innerText`))
}

// TestBack goes back from the app to the consent page, and to the login page. Both lead to the app
// again, for the same request.
func TestBack(t *testing.T) {
	w, b := newWorld(t), openBrowser(t)
	b.open(w.ask("consented"))
	b.signIn()
	b.at("/consent", approve)
	value(b, chromedp.Reload())
	b.consent()
	w.redeem(w.answer(b, "consented"))
	b.back(w, "/consent")
	w.redeem(w.answer(b, "consented"))

	b.forget()
	b.open(w.ask("signed in"))
	b.signIn()
	w.redeem(w.answer(b, "signed in"))
	b.back(w, "/login")
	w.redeem(w.answer(b, "signed in"))
}

// TestReload reloads the page of a failed login: it has the same text, and does not send the
// password again.
func TestReload(t *testing.T) {
	w, b := newWorld(t), openBrowser(t)
	b.open(w.ask("one"))
	b.press("alice", kb.Tab, "looking glass", kb.Enter)
	failed := func() {
		t.Helper()
		b.at("/login", `document.getElementById("error") != null && document.getElementById("username").value == "alice"`)
		b.settle()
	}
	failed()
	value(b, chromedp.Reload())
	failed()
	if log := w.running.Logs(); strings.Count(log, `"reason":"password_wrong"`) != 1 {
		t.Errorf("the password was tried again: %s", log)
	}
	b.press("curiouser-and-curiouser", kb.Enter)
	b.consent()
	w.redeem(w.answer(b, "one"))
}

// TestLeftOpen leaves a login page and a consent page open until their time is over: the session
// has ended, and the server has restarted. Each still leads to the app.
func TestLeftOpen(t *testing.T) {
	w, b := newWorld(t), openBrowser(t)
	other := b.tab()
	other.open(w.ask("two"))
	b.open(w.ask("one"))
	b.signIn()
	b.at("/consent", approve)
	w.running.Stop()
	w.server.Run("session", "revoke", "--user", "alice", "--yes")
	w.running = w.server.Start()
	b.press(kb.Tab, kb.Enter) // now no person is signed in
	b.signIn()
	b.consent()
	w.redeem(w.answer(b, "one"))
	other.signIn()
	w.redeem(w.answer(other, "two"))
}

// TestReplicas has two servers that answer in turn: each page comes from another server than the
// one that gets its form.
func TestReplicas(t *testing.T) {
	w := newWorld(t)
	w.server.Set("LISTEN", "127.0.0.1:0")
	second := w.server.Start()
	var turns atomic.Int64
	front := httptest.NewServer(&httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) {
		to, err := url.Parse([]string{w.running.URL, second.URL}[turns.Add(1)%2])
		if err != nil {
			t.Error(err)
			return
		}
		r.SetURL(to)
		r.Out.Host = to.Host
	}})
	t.Cleanup(front.Close)
	b := openBrowser(t)
	for _, state := range []string{"one", "two"} {
		b.open(strings.Replace(w.ask(state), w.running.URL, front.URL, 1))
		if state == "one" {
			b.signIn()
			b.consent()
		}
		w.redeem(w.answer(b, state))
	}
	for _, server := range []*harness.Server{w.running, second} {
		if !strings.Contains(server.Logs(), `"route":"/login"`) && !strings.Contains(server.Logs(), `"route":"/consent"`) {
			t.Errorf("a server took no part in the sign-in: %s", server.Logs())
		}
	}
}

// TestTwoApps signs in at two apps in two tabs, one while the other is not finished, and each ends
// at its own app.
func TestTwoApps(t *testing.T) {
	w, b := newWorld(t), openBrowser(t)
	codes := make(chan url.Values, 4)
	app := httptest.NewServer(http.HandlerFunc(func(out http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/music" {
			codes <- r.URL.Query()
		}
		out.Header().Set("Content-Type", "text/html")
		_, _ = out.Write([]byte("<!doctype html><title>taken</title>"))
	}))
	t.Cleanup(app.Close)
	w.server.Run("client", "create", "--id", "music", "--name", "Music", "--public", "--grant", "authorization_code", "--scope", "read",
		"--resource", "https://api.example.com", "--redirect-uri", app.URL+"/music")
	other := b.tab()
	b.open(w.ask("photos"))
	other.open(w.ask("music", "client_id", "music", "redirect_uri", app.URL+"/music"))
	b.signIn()
	b.at("/consent", approve)
	other.press("alice", kb.Tab, "curiouser-and-curiouser", kb.Enter) // its page was left open meanwhile
	other.at("/consent", approve+` && document.body.innerText.includes("Music")`)
	b.consent()
	w.redeem(w.answer(b, "photos"))
	other.consent()
	if got := await(t, codes, "the answer for the other app"); got.Get("state") != "music" || got.Get("code") == "" {
		t.Errorf("the other app got %v", got)
	}
	other.arrive()
	if len(w.codes)+len(codes) > 0 {
		t.Error("an app was answered twice")
	}
}

// leaving is a page of an app that signs the person out with a form, which it sends by itself.
var leaving = template.Must(template.New("").Parse(`<!doctype html><title>leaving</title><form method="post" action="{{.To}}">
<input type="hidden" name="id_token_hint" value="{{.Hint}}"><input type="hidden" name="post_logout_redirect_uri" value="{{.Back}}"></form>
<script>document.forms[0].submit()</script>`))

// TestLogoutFromAnotherSite: an app of another site sends its logout request by POST (OpenID
// Connect RP-Initiated Logout 1.0 §2). Chromium does not send the cookie, which is SameSite=Lax,
// and the session still ends.
func TestLogoutFromAnotherSite(t *testing.T) {
	w, b := newWorld(t), openBrowser(t)
	var form struct{ To, Hint, Back string }
	app := httptest.NewServer(http.HandlerFunc(func(out http.ResponseWriter, r *http.Request) {
		out.Header().Set("Content-Type", "text/html")
		if r.URL.Path == "/leave" {
			_ = leaving.Execute(out, form)
			return
		}
		_, _ = out.Write([]byte("<!doctype html><title>taken</title>"))
	}))
	t.Cleanup(app.Close)
	site := strings.Replace(app.URL, "127.0.0.1", "localhost", 1) // for Chromium, another site than the server
	w.server.Run("client", "create", "--id", "album", "--public", "--grant", "authorization_code", "--scope", "openid", "--consent", "never",
		"--redirect-uri", w.callback, "--post-logout-redirect-uri", site+"/left")
	b.open(w.ask("in", "client_id", "album", "scope", "openid"))
	b.signIn()
	code := w.answer(b, "in").Get("code")
	got := w.running.Post(t, "/oauth2/token", harness.Credentials{}, url.Values{
		"grant_type": {"authorization_code"}, "code": {code}, "redirect_uri": {w.callback}, "client_id": {"album"}, "code_verifier": {verifier},
	})
	form.To, form.Hint, form.Back = w.running.URL+"/oauth2/logout", got.Text("id_token"), site+"/left"
	value(b, chromedp.Navigate(site+"/leave"))
	b.at("/left", "true")
	b.open(w.ask("out", "client_id", "album", "scope", "openid", "prompt", "none"))
	if got := w.answer(b, "out"); got.Get("error") != "login_required" {
		t.Errorf("the person is signed in still: %v", got)
	}
}
