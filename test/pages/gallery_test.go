//go:build browser

package pages

import (
	"crypto/rand"
	"encoding/base64"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"strings"
	"testing"
	"time"

	"authserver/internal/pages"
	"authserver/internal/telemetry"
	"authserver/internal/web"
)

// exhibit is a page of the gallery.
type exhibit struct {
	name string
	page pages.Page
}

const logo = `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 64 64"><rect width="64" height="64" rx="14" fill="#0f766e"/>` +
	`<circle cx="43" cy="22" r="6.5" fill="#fde68a"/><path d="M10 48 26 27l11 14 7-8 11 15z" fill="#fff"/></svg>`

func app() pages.Client {
	return pages.Client{
		Name: "Photo Album", Host: "photos.example.com", LogoURI: "data:image/svg+xml;base64," + base64.StdEncoding.EncodeToString([]byte(logo)),
		PolicyURI: "https://photos.example.com/privacy", TermsURI: "https://photos.example.com/terms",
	}
}

// long is an app with the longest names, of words without an end.
func long() pages.Client {
	return pages.Client{
		Name: "Donaudampfschifffahrtselektrizitätenhauptbetriebswerkbauunterbeamtengesellschaft " + strings.Repeat("W", 120), Host: strings.Repeat("subdomain-of-a-subdomain.", 8) + "example.com",
		PolicyURI: "https://photos.example.com/privacy", TermsURI: "https://photos.example.com/terms",
	}
}

// gallery returns every page, with ordinary and with long names.
func gallery(callback string) []exhibit {
	form := pages.Form{Action: "/taken", Continue: "sealed", Destination: callback}
	w := strings.Repeat("w", 200)
	oidc := []pages.Scope{{Name: "openid"}, {Name: "profile"}, {Name: "email"}, {Name: "offline_access"}}
	albums := []pages.Scope{{Name: "albums:read", Text: "See your albums"}, {Name: "albums:write", Text: "Add and remove pictures"}}
	return []exhibit{
		{"login", pages.Login{Client: app(), Form: form}},
		{"login-plain", pages.Login{Form: form}},
		{"login-letter", pages.Login{Client: pages.Client{Name: "Invoices", Host: "127.0.0.1"}, Form: form, Username: "alice"}},
		{"login-wrong", pages.Login{Client: app(), Form: form, Username: "alice", Fault: pages.LoginWrong}},
		{"login-slow", pages.Login{Client: app(), Form: form, Username: "alice", Fault: pages.LoginSlow}},
		{"login-again", pages.Login{Client: app(), Form: form, Username: "alice", Again: true}},
		{"login-long", pages.Login{Client: long(), Form: form, Username: w, Fault: pages.LoginWrong}},
		{"consent", pages.Consent{Client: app(), Form: form, User: "Alice Liddell (alice)", SwitchURI: "/switch", AccountURI: "/account", Groups: []pages.ConsentGroup{{Scopes: oidc}, {Resource: "Album API", Scopes: albums}}}},
		{"consent-long", pages.Consent{Client: long(), Form: form, User: w, SwitchURI: "/switch", AccountURI: "/account", Groups: []pages.ConsentGroup{{Resource: "https://" + w + ".example.com/" + w, Scopes: []pages.Scope{{Name: w}, {Name: "x", Text: w}}}}}},
		{"accounts", pages.Accounts{Client: app(), Form: form, Accounts: []pages.AccountChoice{{ID: "1", Name: "Alice Liddell", Username: "alice"}, {ID: "2", Username: "bob@example.com"}}}},
		{"accounts-long", pages.Accounts{Client: long(), Form: form, Accounts: []pages.AccountChoice{{ID: "1", Name: w, Username: w}}}},
		{"logout", pages.Logout{Client: app(), Form: form, User: "Alice Liddell (alice)"}},
		{"logout-long", pages.Logout{Client: long(), Form: form, User: w}},
		{"loggedout", pages.LoggedOut{Client: app(), ReturnURI: "https://photos.example.com/"}},
		{"loggedout-plain", pages.LoggedOut{}},
		{"loggedout-frames", pages.LoggedOut{Client: app(), ReturnURI: callback + "?state=x", Frames: []string{callback + "?sid=1"}}},
		{"loggedout-long", pages.LoggedOut{Client: long(), ReturnURI: "https://photos.example.com/"}},
		{"error", pages.Error{Kind: pages.ErrorRequest, Code: "invalid_request", Description: "redirect_uri is not registered for this client: register exactly this address, or send one that is registered", RequestID: "5f1c9d0e7ab24c6883b1c05d9c7e42aa"}},
		{"error-server", pages.Error{Kind: pages.ErrorServer, Code: "server_error", RequestID: "5f1c9d0e7ab24c6883b1c05d9c7e42aa", RetryURI: "/again"}},
		{"error-long", pages.Error{Client: long(), Kind: pages.ErrorUnavailable, Code: w, Description: w, RequestID: w}},
		{"account", account(false)},
		{"account-fault", func() pages.Page { a := account(false); a.Fault = pages.PasswordCommon; return a }()},
		{"account-wrong", func() pages.Page { a := account(false); a.Fault = pages.PasswordWrong; return a }()},
		{"account-notice", func() pages.Page { a := account(true); a.Notice = pages.PasswordChanged; return a }()},
		{"account-long", longAccount(w)},
		{"formpost", pages.FormPost{Client: app(), RedirectURI: callback, Fields: []pages.Field{{Name: "code", Value: "aco_1"}, {Name: "state", Value: `"><script>alert(1)</script>`}}}},
	}
}

func account(editable bool) pages.Account {
	at := time.Date(2026, 3, 14, 9, 26, 0, 0, time.UTC)
	return pages.Account{
		Base: "/account", Username: "alice", Name: "Alice Liddell", MinPassword: 8,
		Profile: []pages.ProfileField{{Name: "name", Value: "Alice Liddell", Editable: editable}, {Name: "nickname", Value: "", Editable: editable}, {Name: "email", Value: "alice@example.com", Editable: false}, {Name: "phone_number", Value: "+44 20 7946 0018", Editable: false}},
		Sessions: []pages.AccountSession{
			{ID: "1", Device: "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0", Address: "192.0.2.7", CreatedAt: at.Add(-100 * time.Hour), SeenAt: at, Current: true},
			{ID: "2", Device: "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.5 Mobile/15E148 Safari/604.1", Address: "2001:db8:85a3::8a2e:370:7334", CreatedAt: at.Add(-900 * time.Hour), SeenAt: at.Add(-31 * time.Hour)},
		},
		Apps: []pages.AccountApp{
			{ID: "photos", Client: app(), GrantedAt: at.Add(-2000 * time.Hour), Scopes: []pages.Scope{{Name: "profile"}, {Name: "email"}, {Name: "albums:read", Text: "See your albums"}}},
			{ID: "invoices", Client: pages.Client{Name: "Invoices", Host: "invoices.example.com"}, GrantedAt: at.Add(-50 * time.Hour), Scopes: []pages.Scope{{Name: "openid"}}},
		},
	}
}

func longAccount(w string) pages.Account {
	a := account(true)
	a.Username, a.Name, a.Fault = w, w, pages.PasswordShort
	a.Profile[0].Value, a.Profile[2].Value = w, w
	a.Sessions[1].Device, a.Sessions[1].Address = w, w
	a.Apps[0].ID, a.Apps[0].Client, a.Apps[0].Scopes = "long", long(), []pages.Scope{{Name: w}}
	return a
}

// passing reports whether the page continues by itself: such pages have tests of their own.
func (e exhibit) passing() bool { return e.name == "formpost" || e.name == "loggedout-frames" }

// sent is a request that a form made.
type sent struct {
	path string
	form url.Values
	head http.Header
}

// museum serves the gallery with the server's own renderer, and receives the forms.
type museum struct {
	url      string // by which the browser connects to it
	exhibits []exhibit
	taken    chan sent // what forms sent to the museum itself
	called   chan sent // requests to the callback of the app, which is another origin
	callback string
	forward  string // an address of the app that redirects to the callback at another origin
	// answer is the target of the 303 after a form; "": a page with the text "taken".
	answer string
}

func openMuseum(t *testing.T) *museum {
	t.Helper()
	m := &museum{taken: make(chan sent, 16), called: make(chan sent, 16)}
	record := func(to chan sent) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) {
			_ = r.ParseForm()
			to <- sent{r.URL.Path, r.Form, r.Header}
			w.Header().Set("Content-Type", "text/html")
			_, _ = w.Write([]byte("<!doctype html><title>taken</title>"))
		}
	}
	relying := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/callback":
			record(m.called)(w, r)
		case "/forward": // an app that redirects to another origin of its own
			http.Redirect(w, r, "http://"+strings.Replace(r.Host, "localhost", "127.0.0.1", 1)+"/callback?"+r.URL.RawQuery, http.StatusSeeOther)
		}
	}))
	t.Cleanup(relying.Close)
	m.callback = strings.Replace(relying.URL, "127.0.0.1", "localhost", 1) + "/callback"
	m.forward = strings.Replace(m.callback, "/callback", "/forward", 1)
	m.exhibits = gallery(m.callback)

	book, err := pages.Open("", "")
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewUnstartedServer(nil)
	view, err := web.NewPages(book, "http://"+server.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	table := []web.Route{{Method: http.MethodGet, Path: web.AssetPath, Serve: view.Asset}}
	for _, e := range m.exhibits {
		table = append(table, web.Route{Method: http.MethodGet, Path: "/" + e.name, Serve: view.Serve(func(w http.ResponseWriter, r *http.Request, _ *web.RequestInfo) error {
			return view.Write(w, r, http.StatusOK, r.URL.Query().Get("ui_locales"), e.page)
		})})
	}
	for _, path := range []string{"/taken", "/account/profile", "/account/password", "/account/session", "/account/app", "/account/logout"} {
		table = append(table, web.Route{Method: http.MethodPost, Path: path, Serve: view.Serve(func(w http.ResponseWriter, r *http.Request, _ *web.RequestInfo) error {
			if m.answer == "" {
				record(m.taken)(w, r)
				return nil
			}
			_ = r.ParseForm()
			http.Redirect(w, r, m.answer, http.StatusSeeOther)
			return nil
		})})
	}
	door := &web.Door{Metrics: telemetry.NewMetrics(telemetry.MetricsOptions{}), Logger: slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelWarn})), Now: time.Now, Rand: rand.Reader}
	server.Config.Handler = door.Handler(table, "http://127.0.0.1")
	server.Start()
	t.Cleanup(server.Close)
	m.url = server.URL
	return m
}
