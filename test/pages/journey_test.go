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

// signIn fills in the login page that a tab shows.
func (b tab) signIn() {
	b.t.Helper()
	b.at("/login", login)
	b.settle()
	b.press("alice", kb.Tab, "curiouser-and-curiouser", kb.Enter)
}

// consent approves on the consent page that a tab shows.
func (b tab) consent() {
	b.t.Helper()
	b.at("/consent", approve)
	b.press(kb.Tab, kb.Enter)
}

// back goes one page back, as by the button of the browser. Chromium shows the page as it was left,
// or asks the server again, which sends the browser on where nothing is to do. Where the page
// stands, the person does once more what it asks for.
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
		if len(w.codes) > 0 { // it went on by itself
			return
		}
		if there, err := chromedp.Run(b.ctx, chromedp.Evaluate[bool](again)); err == nil && there {
			return
		}
	}
	b.t.Fatalf("there is no way back to %s: %s", page, ask[string](b, `location.href + " " + document.body.innerText`))
}

// TestBack goes back from the app to the page of the consent, and to that of the login. Both lead
// to the app again, for the same request.
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

// TestReload loads the page of a login that failed anew: it says the same, and sends no password
// again.
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

// TestLeftOpen leaves a login page and a consent page open until what they were begun with is over:
// the session ended, and the server was started anew. Each leads to the app all the same.
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
	b.press(kb.Tab, kb.Enter) // by now there is no person to consent
	b.signIn()
	b.consent()
	w.redeem(w.answer(b, "one"))
	other.signIn()
	w.redeem(w.answer(other, "two"))
}

// TestReplicas has two servers answer each second request: each page comes from another one than
// its form goes to.
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

// TestTwoApps signs in at two apps in two tabs, one within the other, and each ends at its own.
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

// leaving is a page of an app that signs the person out by a form, which it sends by itself.
var leaving = template.Must(template.New("").Parse(`<!doctype html><title>leaving</title><form method="post" action="{{.To}}">
<input type="hidden" name="id_token_hint" value="{{.Hint}}"><input type="hidden" name="post_logout_redirect_uri" value="{{.Back}}"></form>
<script>document.forms[0].submit()</script>`))

// TestLogoutFromAnotherSite has an app of another site send its logout request by POST (OpenID
// Connect RP-Initiated Logout 1.0 §2). Chromium leaves the cookie out, since that is SameSite=Lax,
// and the session ends all the same.
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
	site := strings.Replace(app.URL, "127.0.0.1", "localhost", 1) // to Chromium, another site than the server
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
