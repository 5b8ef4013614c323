//go:build interop

package interop

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/oauth2"

	"authserver/test/harness"
)

// visitor is a person's browser at a web application. If the application sends it to the server,
// the browser of the same name opens that address there (people.browse).
type visitor struct {
	*testing.T
	*http.Client
	base   string // scheme and host of the application
	name   string
	people *people
}

// visitor opens a browser without cookies.
func (p *people) visitor(t *testing.T, name, base string) visitor {
	v := visitor{t, &http.Client{Timeout: programTimeout, CheckRedirect: harness.Client.CheckRedirect}, base, name, p}
	v.Jar, _ = cookiejar.New(nil) // it never fails
	return v
}

// open opens a path of the application, or sends a form there, and returns the page or the address
// of the redirect.
func (v visitor) open(path string, form ...string) (body, to string) {
	v.Helper()
	method, fields := http.MethodGet, url.Values{}
	for i := 0; i < len(form); i += 2 {
		method = http.MethodPost
		fields.Set(form[i], form[i+1])
	}
	request, err := http.NewRequestWithContext(v.Context(), method, v.base+path, strings.NewReader(fields.Encode()))
	if err != nil {
		v.Fatal(err)
	}
	request.Header.Set("Accept", "text/html,*/*;q=0.8") // an application redirects only browsers that can show the page
	if method == http.MethodPost {
		request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		request.Header.Set("Origin", v.base)
	}
	response, err := v.Do(request)
	if err != nil {
		v.Fatal(err)
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		v.Fatal(err)
	}
	if to = response.Header.Get("Location"); to == "" {
		return string(text), ""
	}
	next, err := request.URL.Parse(to)
	if err != nil {
		v.Fatal(err)
	}
	return string(text), next.String()
}

// walk opens a path of the application, or sends a form there, and follows the redirects: it signs
// in at the server, consents, and confirms a logout. It returns the last page and its path.
func (v visitor) walk(path string, form ...string) (body, at string) {
	v.Helper()
	at = path
	body, to := v.open(path, form...)
	for range 10 {
		if strings.HasPrefix(to, v.people.Issuer+"/") {
			page := v.people.browse(v.T, v.name, to)
			if page.Left == nil {
				v.Fatalf("the server shows %d %s: %s", page.Status, page.URL, page.Body)
			}
			to = page.Left.String()
		}
		if to == "" {
			return body, at
		}
		next, inside := strings.CutPrefix(to, v.base)
		if !inside {
			v.Fatalf("%s leads to %s", at, to)
		}
		at = next
		body, to = v.open(at)
	}
	v.Fatalf("%s leads on for ever, at last to %s", path, to)
	return "", ""
}

// read walks to a page that is JSON.
func (v visitor) read(into any, path string, form ...string) {
	v.Helper()
	body, at := v.walk(path, form...)
	if err := json.Unmarshal([]byte(body), into); err != nil {
		v.Fatalf("%s is no JSON: %v: %s", at, err, body)
	}
}

// isSignedIn reports whether the browser at the server has a session.
func (v visitor) isSignedIn() bool {
	v.Helper()
	query := url.Values{
		"client_id": {"web"}, "response_type": {"code"}, "scope": {"openid"}, "redirect_uri": {v.people.RedirectURI}, "prompt": {"none"}, "nonce": {"x"},
	}
	answer := v.people.browse(v.T, v.name, v.people.Issuer+"/oauth2/authorize?"+query.Encode()).Sent(v.T, v.people.RedirectURI)
	switch refused := answer.Get("error"); refused {
	case "login_required":
		return false
	case "consent_required", "":
		return true
	default:
		v.Fatalf("prompt=none is answered with %v", answer)
		return false
	}
}

// wantUserinfo requires userinfo to be about the person, for an access token from an application.
func (v visitor) wantUserinfo(accessToken string) {
	v.Helper()
	provider, err := oidc.NewProvider(v.Context(), v.people.Issuer)
	if err != nil {
		v.Fatal(err)
	}
	info, err := provider.UserInfo(v.Context(), oauth2.StaticTokenSource(&oauth2.Token{AccessToken: accessToken}))
	if err != nil || info.Subject != v.people.User.ID || info.Email != email {
		v.Errorf("userinfo is %v, %v", info, err)
	}
}

// startServer starts a program, and waits until one of its addresses answers. It ends with the
// test.
func startServer(t *testing.T, address string, argv ...string) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	command := foreign(ctx, argv...)
	command.Dir = t.TempDir()
	var said bytes.Buffer
	command.Stdout, command.Stderr = &said, &said
	command.Cancel = func() error { return command.Process.Signal(syscall.SIGTERM) }
	command.WaitDelay = 10 * time.Second
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		_ = command.Wait() // a signal ends it
	}()
	t.Cleanup(func() {
		cancel()
		<-ended
		if t.Failed() {
			t.Logf("%s said:\n%s", argv[0], said.String())
		}
	})
	harness.Eventually(t, programTimeout, argv[0]+" answers", func() bool {
		select {
		case <-ended:
			t.Fatalf("%s ended before it answered", argv[0])
		default:
		}
		response, err := harness.Client.Get(address)
		if err == nil {
			_ = response.Body.Close() // only the answer itself matters
		}
		return err == nil
	})
}
