//go:build interop

package interop

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"path/filepath"
	"strings"
	"testing"

	"authserver/test/harness"
	"authserver/test/ports"
)

// TestOAuth2Proxy: oauth2-proxy protects a page. It refreshes each second, and signs out in both of
// its ways: by the browser, and by a request of its own.
func TestOAuth2Proxy(t *testing.T) {
	t.Parallel()
	proxy := filepath.Join(t.TempDir(), "oauth2-proxy")
	run(t, "oauth2proxy", "go", "build", "-o", proxy, "github.com/oauth2-proxy/oauth2-proxy/v7")
	// The page shows the headers of the proxy.
	page := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_ = json.NewEncoder(w).Encode(r.Header) // if it fails, the proxy is gone
	}))
	t.Cleanup(page.Close)
	harness.OnBoth(t, func(t *testing.T, d *harness.Deployment) {
		t.Parallel()
		p := registerPeople(t, d)
		for _, way := range []string{"browser", "backend"} {
			t.Run(way, func(t *testing.T) {
				o := startOAuth2Proxy(t, d, p, proxy, page.URL, way)
				first := o.inside()
				o.wantUserinfo(first)
				var again string
				harness.Eventually(t, programTimeout, "the proxy refreshes", func() bool {
					again = o.inside()
					return again != first
				})
				o.wantUserinfo(again)
				o.signOut(way)
				if o.isSignedIn() {
					t.Error("the session at the server lives on")
				}
				if _, to := o.open("/"); !strings.HasPrefix(to, p.Issuer+"/oauth2/authorize?") {
					t.Errorf("after the logout the proxy sends the browser to %q", to)
				}
				o.inside() // signs in again
				d.Run("session", "revoke", "--yes", "--user", p.User.Username)
				harness.Eventually(t, programTimeout, "the proxy notices by a refresh that the session ended", func() bool {
					_, to := o.open("/")
					return strings.HasPrefix(to, p.Issuer+"/oauth2/authorize?")
				})
			})
		}
	})
}

type proxyVisitor struct{ visitor }

// startOAuth2Proxy starts a proxy in front of a page. It signs out in the way "browser" or
// "backend".
func startOAuth2Proxy(t *testing.T, d *harness.Deployment, p *people, program, page, way string) proxyVisitor {
	t.Helper()
	address := ports.Address(t)
	base := "http://" + address
	made := d.JSON("", "client", "create", "--id", "proxy-"+way, "--grant", "authorization_code", "--grant", "refresh_token",
		"--scope", "openid", "--scope", "profile", "--scope", "email", "--redirect-uri", base+"/oauth2/callback", "--post-logout-redirect-uri", base+"/out")
	secret, _ := made["client_secret"].(string)
	options := []string{
		"--provider=oidc", "--oidc-issuer-url=" + p.Issuer, "--client-id=proxy-" + way, "--client-secret=" + secret, "--code-challenge-method=S256",
		"--redirect-url=" + base + "/oauth2/callback", "--http-address=" + address, "--email-domain=*", "--upstream=" + page,
		"--cookie-secret=a-secret-of-this-test-32-bytes--", "--cookie-secure=false", "--cookie-refresh=1s",
		"--pass-access-token", "--skip-provider-button", "--skip-auth-route=GET=^/out$", "--whitelist-domain=" + strings.TrimPrefix(p.Issuer, "http://"),
	}
	if way == "backend" {
		options = append(options, "--backend-logout-url="+p.Issuer+"/oauth2/logout?id_token_hint={id_token}")
	}
	startServer(t, base+"/ping", append([]string{program}, options...)...)
	return proxyVisitor{p.visitor(t, "proxy-"+way, base)}
}

// inside opens the page, requires the proxy to name the person, and returns the access token from
// the proxy.
func (o proxyVisitor) inside() string {
	o.Helper()
	var headers http.Header
	o.read(&headers, "/")
	if headers.Get("X-Forwarded-User") != o.people.User.ID || headers.Get("X-Forwarded-Email") != email {
		o.Fatalf("the page is told %v", headers)
	}
	var info struct{ User, Email, PreferredUsername string }
	o.read(&info, "/oauth2/userinfo")
	if info.User != o.people.User.ID || info.Email != email || info.PreferredUsername != headers.Get("X-Forwarded-Preferred-Username") {
		o.Fatalf("the proxy knows %v", info)
	}
	return headers.Get("X-Forwarded-Access-Token")
}

func (o proxyVisitor) signOut(way string) {
	o.Helper()
	if way == "backend" {
		if _, to := o.open("/oauth2/sign_out?" + url.Values{"rd": {"/out"}}.Encode()); to != o.base+"/out" {
			o.Errorf("the logout leads to %q", to)
		}
		return
	}
	out := o.people.Issuer + "/oauth2/logout?" + url.Values{"post_logout_redirect_uri": {o.base + "/out"}, "state": {"out"}}.Encode() + "&id_token_hint={id_token}"
	if _, at := o.walk("/oauth2/sign_out?" + url.Values{"rd": {out}}.Encode()); at != "/out?state=out" {
		o.Errorf("the logout ends at %q", at)
	}
}
