//go:build browser

package pages

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"authserver/test/harness"
	"authserver/test/ports"
)

// push presses a button as a person without a mouse does. The page is marked as the old one.
func (b tab) push(button string) {
	b.t.Helper()
	ask[bool](b, `(document.body.id = "old", document.getElementById("`+button+`").focus(), true)`)
	b.press(kb.Enter)
}

// use pushes a button, and waits for the new page with a text.
func (b tab) use(button, says string) {
	b.t.Helper()
	b.push(button)
	b.at("/demo", `document.body.id != "old" && document.getElementById("notice").textContent.includes("`+says+`")`)
}

// look checks the open page against the rules in light, in dark and on a phone, and takes pictures
// of it if a folder for them is given.
func (b tab) look(program, name string) {
	b.t.Helper()
	for _, l := range []struct {
		name          string
		width, height int64
		dark          bool
	}{{"light", 1000, 760, false}, {"dark", 1000, 760, true}, {"phone", 320, 640, false}, {"phone in dark", 320, 640, true}} {
		b.dark(l.dark)
		b.size(l.width, l.height)
		b.accessible(program, name+", "+l.name)
		for _, fault := range ask[[]string](b, overflow) {
			b.t.Errorf("%s, %s: %s", name, l.name, fault)
		}
		if *screenshots == "" {
			continue
		}
		if err := os.WriteFile(filepath.Join(*screenshots, name+"."+l.name+".png"), value(b, chromedp.FullScreenshot(100)), 0o644); err != nil {
			b.t.Fatal(err)
		}
	}
}

// TestDemo goes through the app of dev, only by keyboard.
func TestDemo(t *testing.T) {
	address := ports.Address(t)
	_, server := harness.Dev(t, "--listen", address, "--issuer", "http://"+address)
	program, b := axe(t), openBrowser(t)
	b.open(server.URL + "/demo")
	b.look(program, "demo-outside")
	b.press(kb.Tab, kb.Enter)
	b.at("/login", `document.activeElement.id == "username"`)
	b.press("alice", kb.Tab, "wonderland", kb.Enter)
	b.at("/consent", `document.getElementById("approve") != null`)
	b.press(kb.Tab, kb.Enter)
	b.at("/demo", `document.getElementById("name").textContent == "Alice Liddell"`)
	if *documented != "" {
		b.size(700, 620)
		for name, dark := range map[string]bool{"demo": false, "demo-dark": true} {
			b.dark(dark)
			if err := os.WriteFile(filepath.Join(*documented, name+".png"), value(b, chromedp.CaptureScreenshot()), 0o644); err != nil {
				t.Fatal(err)
			}
		}
	}
	ask[bool](b, `(document.querySelectorAll("details").forEach(d => d.open = true), true)`)
	b.look(program, "demo-inside")

	first := ask[string](b, `document.getElementById("refresh-token").textContent`)
	b.use("refresh", "a new access token")
	if second := ask[string](b, `document.getElementById("refresh-token").textContent`); second == first || second == "" {
		t.Errorf("the refresh token was %s and is %s", first, second)
	}
	b.use("userinfo", "UserInfo answered")
	b.use("again", "The server answered with a code")
	b.use("ask-none", "The server answered with a code")
	b.use("ask-level", "The server answered with a code")

	b.push("ask-recent")
	b.at("/login", `document.activeElement.id == "password"`)
	b.press("wonderland", kb.Enter)
	b.at("/demo", `document.getElementById("notice") != null`)

	b.use("revoke", "The tokens are revoked")
	if ask[bool](b, `document.getElementById("name") != null`) {
		t.Error("the app still has a person")
	}
	b.use("sign-in", "The server answered with a code") // the session still exists
	b.push("sign-out")
	b.at("/logout", `document.body.id != "old" && document.title.includes("signed out")`)
}
