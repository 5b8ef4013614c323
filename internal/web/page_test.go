package web

import (
	"crypto/rand"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"authserver/internal/admission"
	"authserver/internal/oauth"
	"authserver/internal/pages"
	"authserver/internal/telemetry"
)

func servePages(t *testing.T, table func(*Pages) []Route) http.Handler {
	t.Helper()
	renderer, err := pages.Open("", "")
	if err != nil {
		t.Fatal(err)
	}
	p, err := NewPages(renderer, "https://as.example.com")
	if err != nil {
		t.Fatal(err)
	}
	door := &Door{Metrics: telemetry.NewMetrics(telemetry.MetricsOptions{}), Logger: slog.New(slog.NewTextHandler(io.Discard, nil)), Now: time.Now, Rand: rand.Reader}
	return door.Handler(append(table(p), Route{Method: http.MethodGet, Path: AssetPath, Serve: p.Asset}), "https://as.example.com")
}

func get(h http.Handler, path string, header http.Header) *httptest.ResponseRecorder {
	r := httptest.NewRequest(http.MethodGet, path, nil)
	for name, values := range header {
		r.Header[name] = values
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

func TestHeadersOfAPage(t *testing.T) {
	app := pages.Client{Name: "x", LogoURI: "https://cdn.example.com/logo.png"}
	for name, c := range map[string]struct {
		page           pages.Page
		policy, opener string
		refresh        string
	}{
		"login": {
			pages.Login{Client: app, Form: pages.Form{Destination: "https://app.example.com:8443/callback?x"}},
			"img-src 'self' data: https://cdn.example.com; form-action 'self' https://app.example.com:8443 https:", "unsafe-none", "",
		},
		"login for a native app": {pages.Login{Form: pages.Form{Destination: "com.example.app:/callback"}}, "img-src 'self' data:; form-action 'self' com.example.app:", "unsafe-none", ""},
		"login for an app that a developer runs": {
			pages.Login{Form: pages.Form{Destination: "http://localhost:3000/callback"}},
			"img-src 'self' data:; form-action 'self' http://localhost:3000 http://localhost:* http://127.0.0.1:*", "unsafe-none", "",
		},
		"login for no app": {pages.Login{}, "img-src 'self' data:; form-action 'self'", "unsafe-none", ""},
		"an error":         {pages.Error{Kind: pages.ErrorServer}, "img-src 'self' data:; form-action 'self'", "unsafe-none", ""},
		"the account":      {pages.Account{}, "img-src 'self' data:; form-action 'self'", "same-origin", ""},
		"a form that sends itself": {
			pages.FormPost{RedirectURI: "https://app.example.com/callback"},
			"img-src 'self' data:; form-action 'self' https://app.example.com https:; script-src 'sha256-ePniVEkSivX/c7XWBGafqh8tSpiRrKiqYeqbG7N1TOE='", "unsafe-none", "",
		},
		"logged out by frames": {
			pages.LoggedOut{ReturnURI: "https://app.example.com/", Frames: []string{"https://a.example.com/out?sid=1", "https://b.example.com/out"}},
			"img-src 'self' data:; form-action 'self'; frame-src https://a.example.com https://b.example.com", "unsafe-none", "3; url=https://app.example.com/",
		},
	} {
		t.Run(name, func(t *testing.T) {
			w := get(servePages(t, func(p *Pages) []Route {
				return []Route{{Method: http.MethodGet, Path: "/page", Serve: p.Serve(func(w http.ResponseWriter, r *http.Request, _ *RequestInfo) error {
					return p.Write(w, r, http.StatusOK, "", c.page)
				})}}
			}), "/page", http.Header{"Accept-Language": {"de"}})
			got := map[string]string{}
			for name := range w.Header() {
				got[name] = w.Header().Get(name)
			}
			delete(got, "X-Request-Id")
			want := map[string]string{
				"Content-Type": "text/html; charset=utf-8", "Content-Language": "de", "Cache-Control": "no-store", "Vary": "Accept-Language, Cookie",
				"Content-Security-Policy": "default-src 'none'; base-uri 'none'; frame-ancestors 'none'; style-src 'self'; font-src 'self'; " + c.policy,
				"X-Frame-Options":         "DENY", "X-Content-Type-Options": "nosniff", "Referrer-Policy": "same-origin", "Cross-Origin-Opener-Policy": c.opener,
				"Cross-Origin-Resource-Policy": "same-origin", "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=()",
			}
			if c.refresh != "" {
				want["Refresh"] = c.refresh
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Error(diff)
			}
			if w.Code != http.StatusOK || !strings.Contains(w.Body.String(), `<html lang="de" dir="ltr">`) {
				t.Errorf("answered %d %s", w.Code, w.Body)
			}
		})
	}
}

// TestFormsOfOtherSites checks RFC 6819 §4.4.1.8 and §5.3.5 for forms: the server refuses a form of
// another site.
func TestFormsOfOtherSites(t *testing.T) {
	h := servePages(t, func(p *Pages) []Route {
		serve := p.Serve(func(w http.ResponseWriter, _ *http.Request, _ *RequestInfo) error {
			w.WriteHeader(http.StatusNoContent)
			return nil
		})
		return []Route{{Method: http.MethodPost, Path: "/login", Serve: serve}, {Method: http.MethodGet, Path: "/login", Serve: serve}}
	})
	for _, c := range []struct {
		name, method string
		header       http.Header
		want         int
	}{
		{"our own form", http.MethodPost, http.Header{"Sec-Fetch-Site": {"same-origin"}, "Origin": {"https://as.example.com"}}, 204},
		{"our own form without Sec-Fetch-Site", http.MethodPost, http.Header{"Origin": {"https://as.example.com"}}, 204},
		{"our own form, at a proxy that changes the Host", http.MethodPost, http.Header{"Sec-Fetch-Site": {"same-origin"}, "Origin": {"https://as.example.com"}, "X-Host": {"backend:8080"}}, 204},
		{"a form of another site", http.MethodPost, http.Header{"Sec-Fetch-Site": {"cross-site"}, "Origin": {"https://evil.example"}}, 403},
		{"a form of another origin of the site", http.MethodPost, http.Header{"Sec-Fetch-Site": {"same-site"}, "Origin": {"https://www.example.com"}}, 403},
		{"a form of another site without Sec-Fetch-Site", http.MethodPost, http.Header{"Origin": {"https://evil.example"}}, 403},
		{"a form of a frame without an origin", http.MethodPost, http.Header{"Sec-Fetch-Site": {"cross-site"}, "Origin": {"null"}}, 403},
		{"the origin of another port", http.MethodPost, http.Header{"Origin": {"https://as.example.com:8443"}}, 403},
		{"the origin of another scheme", http.MethodPost, http.Header{"Sec-Fetch-Site": {"cross-site"}, "Origin": {"http://as.example.com"}}, 403},
		{"a link of another site", http.MethodGet, http.Header{"Sec-Fetch-Site": {"cross-site"}}, 204},
		{"a program that is no browser", http.MethodPost, nil, 204},
	} {
		r := httptest.NewRequest(c.method, "https://as.example.com/login", nil)
		r.Header = c.header
		if host := c.header.Get("X-Host"); host != "" {
			r.Host = host
		}
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		if w.Code != c.want {
			t.Errorf("%s: answered %d, want %d", c.name, w.Code, c.want)
		}
		if c.want == 403 && !strings.Contains(w.Body.String(), `id="error"`) {
			t.Errorf("%s: answered %s", c.name, w.Body)
		}
	}
}

func TestErrorsArePages(t *testing.T) {
	for _, c := range []struct {
		name   string
		err    error
		status int
		retry  string
		want   []string
	}{
		{"a request that is refused", oauth.Fail(oauth.InvalidRequest, "r", `redirect_uri "x" is not registered`), 400, "", []string{"This link does not work", "invalid_request", "redirect_uri &#39;x&#39; is not registered"}},
		{"a fault", errors.New("pq: SELECT secret"), 500, "", []string{"Something went wrong", "server_error"}},
		{"no room", admission.ErrFull, 503, "2", []string{"Please try again in a moment"}},
		{"too many", admission.ErrShare, 429, "2", []string{"Please try again in a moment"}},
		{"no such page", &statusError{http.StatusNotFound, oauth.Fail(oauth.InvalidRequest, "r", "d")}, 404, "", []string{"This page does not exist"}},
	} {
		h := servePages(t, func(p *Pages) []Route {
			return []Route{{Method: http.MethodGet, Path: "/page", Serve: p.Errors(func(http.ResponseWriter, *http.Request, *RequestInfo) error { return c.err })}}
		})
		w := get(h, "/page", http.Header{"X-Request-Id": {"id-4711"}})
		text := w.Body.String()
		if w.Code != c.status || w.Header().Get("Retry-After") != c.retry || w.Header().Get("Cache-Control") != "no-store" || strings.Contains(text, "SELECT") {
			t.Errorf("%s: answered %d %v %s", c.name, w.Code, w.Header(), text)
		}
		for _, want := range append(c.want, `id="error"`, "id-4711") {
			if !strings.Contains(text, want) {
				t.Errorf("%s: the page has no %q", c.name, want)
			}
		}
		if german := get(h, "/page?ui_locales=de", nil).Header().Get("Content-Language"); german != "de" {
			t.Errorf("%s: with ui_locales it is in %s", c.name, german)
		}
	}
}

func TestAssets(t *testing.T) {
	h := servePages(t, func(p *Pages) []Route {
		return []Route{{Method: http.MethodGet, Path: "/page", Serve: p.Serve(func(w http.ResponseWriter, r *http.Request, _ *RequestInfo) error {
			return p.Write(w, r, http.StatusOK, "", pages.Login{})
		})}}
	})
	_, rest, _ := strings.Cut(get(h, "/page", nil).Body.String(), `rel="stylesheet" href="`)
	path, _, found := strings.Cut(rest, `"`)
	if !found {
		t.Fatal("the page has no style sheet")
	}
	style := get(h, path, nil)
	if style.Code != http.StatusOK || style.Header().Get("Content-Type") != "text/css; charset=utf-8" || style.Header().Get("Cache-Control") != "public, max-age=31536000, immutable" || style.Body.Len() == 0 {
		t.Errorf("%s: answered %d %v", path, style.Code, style.Header())
	}
	for _, none := range []string{"/assets/pages.css", "/assets/pages.0000000000000000.css", "/assets/../page", "/assets/", "/assets/x/y"} {
		if w := get(h, none, nil); w.Code == http.StatusOK || strings.Contains(w.Header().Get("Cache-Control"), "immutable") {
			t.Errorf("%s: answered %d %v", none, w.Code, w.Header())
		}
	}
}
