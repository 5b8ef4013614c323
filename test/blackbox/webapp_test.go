package blackbox

import (
	"bufio"
	"bytes"
	"context"
	"net/http"
	"net/url"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"authserver/test/browser"
)

// across follows a page that leads to another server on this machine, as a person's browser does.
func across(t *testing.T, b *browser.Browser, p browser.Page) browser.Page {
	t.Helper()
	for range 5 {
		if p.Left == nil {
			return p
		}
		b.Base = p.Left.Scheme + "://" + p.Left.Host
		p = b.Follow(http.MethodGet, p.Left.String(), "")
	}
	t.Fatalf("it goes on for ever, to %v", p.Left)
	return p
}

// startWebApp builds and starts examples/webapp, and returns its URL.
func startWebApp(t *testing.T, secret string, flags ...string) string {
	t.Helper()
	binary := filepath.Join(t.TempDir(), "webapp")
	if out, err := exec.CommandContext(t.Context(), "go", "build", "-C", "../../examples/webapp", "-o", binary, ".").CombinedOutput(); err != nil {
		t.Fatalf("build examples/webapp: %v\n%s", err, out)
	}
	ctx, cancel := context.WithCancel(context.Background())
	command := exec.CommandContext(ctx, binary, append([]string{"-listen", "127.0.0.1:0"}, flags...)...)
	command.Env = []string{"CLIENT_SECRET=" + secret, "NO_PROXY=127.0.0.1"}
	stderr, err := command.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	serving, done := make(chan string, 1), make(chan struct{})
	go func() {
		defer close(done)
		for lines := bufio.NewScanner(stderr); lines.Scan(); {
			if found := regexp.MustCompile(`url=(\S+)`).FindSubmatch(bytes.Clone(lines.Bytes())); found != nil {
				serving <- string(found[1])
			}
		}
		_ = command.Wait() // it was killed
	}()
	t.Cleanup(func() { cancel(); <-done })
	select {
	case address := <-serving:
		return address
	case <-done:
	case <-time.After(time.Minute):
	}
	t.Fatal("examples/webapp does not serve")
	return ""
}

// The application of the README signs a person in, refreshes and signs out.
func TestExampleWebApp(t *testing.T) {
	t.Parallel()
	d, server := demoSite(t)
	const secret = "a-secret-of-the-web-app-0123456789"
	app := startWebApp(t, secret, "-issuer", server.URL, "-client-id", "web-app")
	d.Run("client", "create", "--id", "web-app", "--secret-file", d.File("web-app.secret", secret), "--grant", "authorization_code", "--grant", "refresh_token",
		"--scope", "openid", "--scope", "profile", "--scope", "email", "--redirect-uri", app+"/callback", "--post-logout-redirect-uri", app+"/")
	b := browser.New(t, app)
	home := func() browser.Page { b.Base = app; return b.Open("/") }
	press := func(path string) browser.Page {
		b.Base = app
		return across(t, b, b.Follow(http.MethodPost, app+path, ""))
	}
	says(t, home(), `id="sign-in"`)
	login := across(t, b, b.Open("/login"))
	inside := across(t, b, b.Approve(b.SignIn(login, "alice", "wonderland")))
	says(t, inside, `<b id="name">Alice Liddell</b>`, "alice@wonderland.example", `<b id="refreshed">0</b>`)
	says(t, press("/refresh"), `<b id="refreshed">1</b>`)
	says(t, press("/refresh"), `<b id="refreshed">2</b>`)

	b.Base = app
	says(t, across(t, b, b.Open("/login")), "Alice Liddell") // single sign-on
	for name, query := range map[string]url.Values{
		"another state":  {"code": {"aco_x"}, "state": {"x"}, "iss": {server.URL}},
		"no state":       {"code": {"aco_x"}, "iss": {server.URL}},
		"another server": {"code": {"aco_x"}, "state": {"x"}, "iss": {"https://evil.example"}},
	} {
		b.Base = app
		if p := b.Open("/callback?" + query.Encode()); p.Status != http.StatusBadGateway || !strings.Contains(p.Body, "did not work") {
			t.Errorf("%s: answered %d %s", name, p.Status, p.Body)
		}
	}
	stranger := browser.New(t, app)
	stranger.Header = map[string]string{"Sec-Fetch-Site": "cross-site"}
	if p := stranger.Follow(http.MethodPost, app+"/logout", ""); p.Status != http.StatusForbidden {
		t.Errorf("a form of another site is answered with %d", p.Status)
	}

	if out := press("/logout"); out.URL.String() != app+"/" {
		t.Errorf("the logout ends at %s: %s", out.URL, out.Body)
	}
	says(t, home(), `id="sign-in"`)
	if _, asked := across(t, b, b.Open("/login")).IDs["password"]; !asked {
		t.Error("the session at the server goes on after the logout")
	}
	if strings.Contains(server.Logs(), secret) {
		t.Error("the log has the client's secret")
	}
}
