//go:build browser

package pages

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/chromedp/chromedp/kb"
)

// serveFraming serves pages of an app with the page of check-session in a frame.
func serveFraming(t *testing.T, framed func() string) string {
	t.Helper()
	app := httptest.NewServer(http.HandlerFunc(func(out http.ResponseWriter, _ *http.Request) {
		out.Header().Set("Content-Type", "text/html")
		_, _ = out.Write([]byte(`<!doctype html><title>taken</title><iframe id="op" src="` + framed() + `"></iframe>`))
	}))
	t.Cleanup(app.Close)
	return app.URL
}

// heard returns the answer of the frame to a message. The page sends the message again until the
// frame has loaded, and gives up after some milliseconds; 0: never.
func heard(b tab, issuer, message string, within string) string {
	b.t.Helper()
	return ask[string](b, `new Promise((answer) => {
		addEventListener("message", (event) => answer(event.origin === "`+issuer+`" ? event.data : event.origin));
		setInterval(() => document.getElementById("op").contentWindow.postMessage("`+message+`", "`+issuer+`"), 50);
		if (`+within+` > 0) setTimeout(() => answer("nothing"), `+within+`);
	})`)
}

// TestCheckSession: the frame of an app asks whether the session still exists, before and after the
// person signs out at the server (OpenID Connect Session Management 1.0 §3).
func TestCheckSession(t *testing.T) {
	w, b := newWorld(t), openBrowser(t)
	issuer := w.running.URL
	framed := func() string { return issuer + "/oauth2/check-session" }
	app, stranger := serveFraming(t, framed), serveFraming(t, framed)
	w.callback = app + "/callback"
	w.server.Run("client", "create", "--id", "old", "--public", "--grant", "authorization_code", "--scope", "openid", "--consent", "never", "--session-management",
		"--redirect-uri", w.callback)

	b.open(w.ask("x", "client_id", "old", "scope", "openid"))
	b.press("alice", kb.Tab, "curiouser-and-curiouser", kb.Enter)
	b.arrive()
	signedIn := ask[string](b, "location.href")
	u, err := url.Parse(signedIn)
	if err != nil {
		t.Fatal(err)
	}
	state := u.Query().Get("session_state")
	if state == "" {
		t.Fatalf("the app is told %s", signedIn)
	}
	damaged := "A" + state[1:]
	if damaged == state {
		damaged = "B" + state[1:]
	}
	for _, test := range []struct{ name, message, want string }{
		{"what the app was told", "old " + state, "unchanged"},
		{"another client", "photos " + state, "changed"},
		{"a state that is not the app's", "old " + damaged, "changed"},
		{"a state without salt", "old " + strings.Split(state, ".")[0], "error"},
		{"a state in three parts", "old " + state + ".x", "error"},
		{"no state", "old", "error"},
	} {
		b.open(signedIn) // a frame of its own
		if got := heard(b, issuer, test.message, "0"); got != test.want {
			t.Errorf("%s: the frame answers %q, want %q", test.name, got, test.want)
		}
	}
	b.open(stranger + "/")
	if got := heard(b, issuer, "old "+state, "1500"); got != "nothing" {
		t.Errorf("in a page of a stranger the frame answers %q", got)
	}

	b.open(issuer + "/logout")
	b.at("/logout", `document.getElementById("logout-yes") != null`)
	ask[bool](b, `(setTimeout(() => document.getElementById("logout-yes").click(), 0), true)`)
	b.at("/logout", `document.getElementById("logout-yes") == null`)
	b.open(signedIn)
	if got := heard(b, issuer, "old "+state, "0"); got != "changed" {
		t.Errorf("after a logout the frame answers %q", got)
	}
}
