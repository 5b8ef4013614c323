//go:build browser

package pages

import (
	"strings"
	"testing"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp/kb"
)

// TestFormPost sends an answer to an app of another origin: by itself with JavaScript, and by a
// button without.
func TestFormPost(t *testing.T) {
	m, b := openMuseum(t), openBrowser(t)
	for _, script := range []bool{true, false} {
		call(b, emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: !script})
		if script {
			b.pass(m.url, "/formpost")
		} else {
			b.open(m.url + "/formpost")
			b.press(kb.Tab, kb.Enter)
		}
		got := await(t, m.called, "the answer at the app")
		b.arrive()
		if got.form.Get("code") != "aco_1" || got.form.Get("state") != `"><script>alert(1)</script>` {
			t.Errorf("script %v: the app got %v", script, got.form)
		}
		if referrer := got.head.Get("Referer"); referrer != "" {
			t.Errorf("script %v: the app learns where the person was: %s", script, referrer)
		}
	}
}

// TestRedirectAfterAForm signs in with a form whose answer redirects to the app at once, and with
// an app that redirects to another origin of its own. Chromium applies form-action to both.
func TestRedirectAfterAForm(t *testing.T) {
	m, b := openMuseum(t), openBrowser(t)
	for _, answer := range []string{m.callback, m.forward} {
		m.answer = answer + "?code=aco_1"
		b.open(m.url + "/login")
		b.press("alice", kb.Tab, "curiouser-and-curiouser", kb.Enter)
		got := await(t, m.called, "the answer at the app")
		b.arrive()
		if got.form.Get("code") != "aco_1" || got.form.Get("password") != "" || strings.HasPrefix(got.head.Get("Referer"), m.url) {
			t.Errorf("the app got %v, from %q", got.form, got.head.Get("Referer"))
		}
	}
}

// TestPopup signs in in a window that the app opened, like the scripts of apps in browsers: it
// keeps its opener, and the app sees the window as open.
func TestPopup(t *testing.T) {
	m, b := openMuseum(t), openBrowser(t)
	b.open(m.forward) // any page of the app's origin
	b.arrive()
	await(t, m.called, "the page of the app")
	ask[bool](b, `(window.popup = open("`+m.url+`/login", "", "popup,width=500,height=700"), true)`)
	opened := b.other(m.url + "/login")
	if !ask[bool](opened, `window.opener != null`) {
		t.Error("the page of the sign-in has lost the app that opened it")
	}
	if ask[bool](b, `popup.closed`) {
		t.Error("the app sees its window as closed")
	}
}

// TestFrames notifies apps of a logout in frames, and returns to the app by itself.
func TestFrames(t *testing.T) {
	m, b := openMuseum(t), openBrowser(t)
	b.pass(m.url, "/loggedout-frames")
	first := await(t, m.called, "the frame").form
	second := await(t, m.called, "the app").form
	b.arrive()
	if first.Get("sid") != "1" || second.Get("state") != "x" {
		t.Errorf("the app was called with %v, then with %v", first, second)
	}
}
