//go:build browser

package pages

import (
	"testing"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp/kb"
	"github.com/google/go-cmp/cmp"
)

// here describes the element with the focus, and whether the focus is visible.
const here = `(() => {
	const e = document.activeElement, s = getComputedStyle(e);
	return {
		at: e.id || e.value || e.getAttribute("href") || e.tagName,
		seen: s.outlineStyle != "none" && parseFloat(s.outlineWidth) >= 2,
	};
})()`

type focus struct {
	At   string
	Seen bool
}

// TestKeyboard goes through every page by the key Tab: each field, button and link gets the focus
// in the order of the page, shows it, and passes it on.
func TestKeyboard(t *testing.T) {
	m, b := openMuseum(t), openBrowser(t)
	b.size(1000, 800)
	b.dark(false)
	for _, e := range m.exhibits {
		if e.passing() {
			continue
		}
		b.open(m.url + "/" + e.name)
		want := ask[[]string](b, `[...document.querySelectorAll("button, a[href], input:not([type=hidden]):not([tabindex='-1'])")].map(e => e.id || e.value || e.getAttribute("href"))`)
		ask[bool](b, `(document.activeElement.blur(), window.getSelection().removeAllRanges(), document.body.tabIndex = -1, document.body.focus(), true)`)
		got := []string{}
		for range want {
			b.press(kb.Tab)
			at := ask[focus](b, here)
			got = append(got, at.At)
			if !at.Seen {
				t.Errorf("%s: one does not see that %s has the focus", e.name, at.At)
			}
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s: the key Tab goes elsewhere (-want +got):\n%s", e.name, diff)
		}
	}
}

// TestKeyboardAlone uses the pages only by the keyboard, with JavaScript and without.
func TestKeyboardAlone(t *testing.T) {
	m, b := openMuseum(t), openBrowser(t)
	b.size(1000, 800)
	for _, script := range []bool{true, false} {
		call(b, emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: !script})
		for _, c := range []struct {
			page string
			keys []string
			path string
			want map[string]string
		}{
			{"login", []string{"alice", kb.Tab, "wonderland", kb.Enter}, "/taken", map[string]string{"username": "alice", "password": "wonderland", "continue": "sealed"}},
			{"login-wrong", []string{"wonderland", kb.Tab, kb.Enter}, "/taken", map[string]string{"username": "alice", "password": "wonderland"}},
			{"login-again", []string{"wonderland", kb.Enter}, "/taken", map[string]string{"username": "alice", "password": "wonderland"}},
			{"consent", []string{kb.Tab, kb.Enter}, "/taken", map[string]string{"decision": "approve", "continue": "sealed"}},
			{"consent", []string{kb.Tab, kb.Tab, " "}, "/taken", map[string]string{"decision": "deny", "continue": "sealed"}},
			{"accounts", []string{kb.Tab, kb.Enter}, "/taken", map[string]string{"account": "1"}},
			{"accounts", []string{kb.Tab, kb.Tab, kb.Tab, kb.Enter}, "/taken", map[string]string{"account": "other"}},
			{"logout", []string{kb.Tab, kb.Enter}, "/taken", map[string]string{"decision": "yes"}},
			{"logout", []string{kb.Tab, kb.Tab, kb.Enter}, "/taken", map[string]string{"decision": "no"}},
			{"account", []string{kb.Tab, kb.Enter}, "/account/logout", nil},
			{"account", []string{kb.Tab, kb.Tab, kb.Enter}, "/account/session", map[string]string{"session": "2"}},
			{"account", []string{kb.Tab, kb.Tab, kb.Tab, kb.Enter}, "/account/session", map[string]string{"session": "all"}},
			{"account", []string{kb.Tab, kb.Tab, kb.Tab, kb.Tab, kb.Enter}, "/account/app", map[string]string{"app": "photos"}},
			{"account-wrong", []string{"wonderland", kb.Tab, "a new password", kb.Tab, "a new password", kb.Enter}, "/account/password", map[string]string{"current": "wonderland", "new": "a new password", "again": "a new password"}},
			{"account-notice", []string{kb.Tab, kb.Tab, kb.End, " I", kb.Enter}, "/account/profile", map[string]string{"name": "Alice Liddell I"}},
		} {
			b.open(m.url + "/" + c.page)
			b.press(c.keys...)
			got := await(t, m.taken, c.page)
			b.arrive()
			if got.path != c.path {
				t.Errorf("%s, script %v: the form went to %s, want %s", c.page, script, got.path, c.path)
			}
			for name, want := range c.want {
				if got.form.Get(name) != want {
					t.Errorf("%s, script %v: %s is %q, want %q", c.page, script, name, got.form.Get(name), want)
				}
			}
		}
	}
}
