//go:build browser

package pages

import (
	"bufio"
	"context"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/chromedp/chromedp/kb"

	"authserver/test/harness"
)

// startSPA serves a copy of examples/spa, with the packages of its lock file, and returns its URL.
func startSPA(t *testing.T) string {
	t.Helper()
	folder := t.TempDir()
	for _, name := range []string{"package.json", "package-lock.json", "serve.mjs", "index.html", "app.js"} {
		text, err := os.ReadFile(filepath.Join("../../examples/spa", name))
		if err != nil {
			t.Fatal(err)
		}
		if err = os.WriteFile(filepath.Join(folder, name), text, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	npm := exec.CommandContext(t.Context(), "npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--cache", filepath.Join(folder, "cache"))
	npm.Dir = folder
	if out, err := npm.CombinedOutput(); err != nil {
		t.Fatalf("npm ci: %v\n%s", err, out)
	}
	ctx, stop := context.WithCancel(context.Background())
	serve := exec.CommandContext(ctx, "node", "serve.mjs", "0")
	serve.Dir = folder
	stdout, err := serve.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err = serve.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		stop()
		_ = serve.Wait() // it was killed
	})
	line, err := bufio.NewReader(stdout).ReadString('\n')
	if err != nil {
		t.Fatalf("examples/spa does not serve: %v", err)
	}
	return strings.TrimSpace(line)
}

// TestExampleSPA signs a person in with oidc-client-ts: the page calls discovery, the token
// endpoint and UserInfo across origins.
func TestExampleSPA(t *testing.T) {
	home := startSPA(t)
	harness.OnBoth(t, func(t *testing.T, d *harness.Deployment) { signInToSPA(t, newWorldOn(t, d), home) })
}

func signInToSPA(t *testing.T, w *world, home string) {
	t.Helper()
	b := openBrowser(t)
	w.server.Run("client", "create", "--id", "spa", "--public", "--grant", "authorization_code", "--grant", "refresh_token",
		"--scope", "openid", "--scope", "profile", "--scope", "email", "--redirect-uri", home, "--post-logout-redirect-uri", home)
	w.server.Run("user", "update", "alice", "--name", "Alice Liddell", "--email", "alice@wonderland.example")
	status := func(said string) {
		t.Helper()
		b.at("/", `document.getElementById("status") != null && document.getElementById("status").textContent == "`+said+`"`)
	}
	push := func(button string) { // by keyboard
		t.Helper()
		ask[bool](b, `(document.getElementById("`+button+`").focus(), true)`)
		b.press(kb.Enter)
	}
	b.open(home + "?" + url.Values{"issuer": {w.running.URL}}.Encode())
	status("Signed out")
	push("sign-in")
	b.at("/login", `document.activeElement.id == "username"`)
	b.press("alice", kb.Tab, "curiouser-and-curiouser", kb.Enter)
	b.at("/consent", `document.getElementById("approve") != null`)
	b.press(kb.Tab, kb.Enter)
	status("Signed in as Alice Liddell")
	if got := ask[string](b, `document.getElementById("profile").textContent + location.search`); !strings.Contains(got, "alice@wonderland.example") || strings.Contains(got, "code=") {
		t.Errorf("the page shows %s", got)
	}
	push("refresh")
	status("Refreshed for Alice Liddell")
	b.open(home)
	status("Signed in as Alice Liddell")
	push("sign-out")
	status("Signed out")
	push("sign-in") // the server asks again
	b.at("/login", `document.activeElement.id == "username"`)
}
