package demo

import (
	"io"
	"net"
	"net/http"
	"sync"
	"time"

	lru "github.com/hashicorp/golang-lru/v2"

	"authserver/internal/oauth"
	"authserver/internal/web"
)

// Path is the start page of the app. All of its paths, and its cookie, are below it.
const Path = "/demo"

const callbackPath = Path + "/callback"

// Bounds on the memory of the app.
const (
	maxVisits   = 256             // browsers
	visitTTL    = 8 * time.Hour   // since the browser was new, or signed in
	maxAttempts = 8               // sign-ins under way in one browser: it has tabs
	callTimeout = 5 * time.Second // of a request to the server
)

// Options configure the app.
type Options struct {
	Issuer   string // of the server
	Server   string // host and port at which the server listens
	ClientID string // a public client with the redirect URI http://127.0.0.1/demo/callback, at any port
	Home     string // the post-logout redirect URI of the client; at another port the server cannot send people back
	API      string // the resource that its access tokens are for
	Scopes   []string
	Username string // of a person to try, as the page says
	Password string
	Pages    *web.Pages
	Now      func() time.Time
	Rand     io.Reader
}

// Demo is the app.
type Demo struct {
	Options
	view    *view
	http    *http.Client
	visits  *lru.Cache[string, *visit] // by the secret of the cookie
	mu      sync.Mutex
	learned *server // nil: not read yet
}

// New makes the app.
func New(o Options) (*Demo, error) {
	visits, err := lru.New[string, *visit](maxVisits)
	if err != nil {
		return nil, err
	}
	v, err := newView(o.Pages.Renderer)
	if err != nil {
		return nil, err
	}
	return &Demo{Options: o, view: v, visits: visits, http: &http.Client{Timeout: callTimeout, Transport: o.transport()}}, nil
}

// Routes is the table of the app.
func (d *Demo) Routes() []web.Route {
	return []web.Route{
		{Method: http.MethodGet, Path: Path, Serve: d.page(d.show)},
		{Method: http.MethodGet, Path: Path + "/demo.css", Serve: web.Plain(http.HandlerFunc(style)), Quiet: true},
		{Method: http.MethodPost, Path: Path + "/sign-in", Serve: d.page(d.signIn)},
		{Method: http.MethodGet, Path: callbackPath, Serve: d.page(d.callback)},
		{Method: http.MethodPost, Path: Path + "/userinfo", Serve: d.page(d.userinfo)},
		{Method: http.MethodPost, Path: Path + "/refresh", Serve: d.page(d.refresh)},
		{Method: http.MethodPost, Path: Path + "/revoke", Serve: d.page(d.revoke)},
		{Method: http.MethodPost, Path: Path + "/sign-out", Serve: d.page(d.signOut)},
	}
}

// page is an endpoint whose forms no other site may send, for browsers on this machine. The
// redirect URI of the client is at 127.0.0.1, and a foreign name that resolves to it (DNS
// rebinding) is refused.
func (d *Demo) page(serve web.Endpoint) web.Endpoint {
	return d.Pages.Serve(func(w http.ResponseWriter, r *http.Request, n *web.RequestInfo) error {
		name, port := r.Host, ""
		if host, p, err := net.SplitHostPort(r.Host); err == nil {
			name, port = host, ":"+p
		}
		switch {
		case name == "127.0.0.1":
			return serve(w, r, n)
		case name == "localhost" || name == "::1" || name == "[::1]":
			redirect(w, "http://127.0.0.1"+port+Path) // where the cookie is
			return nil
		}
		return oauth.Fail(oauth.InvalidRequest, "demo_elsewhere",
			"the demo is for browsers on the machine that runs the server: open it there, at http://127.0.0.1 and the port of the server")
	})
}

// redirect sends the browser on by GET.
func redirect(w http.ResponseWriter, location string) {
	header := w.Header()
	header.Set("Location", location)
	header.Set("Cache-Control", "no-store")
	header.Set("Referrer-Policy", "no-referrer")
	w.WriteHeader(http.StatusSeeOther)
}
