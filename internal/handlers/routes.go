package handlers

import (
	"context"
	"io"
	"log/slog"
	"net/http"
	"net/http/pprof"
	"slices"
	"strings"
	"time"

	"github.com/go-chi/chi/v5"
	"golang.org/x/time/rate"

	"authserver/internal/admission"
	"authserver/internal/clientauth"
	"authserver/internal/grants"
	"authserver/internal/keys"
	"authserver/internal/store"
	"authserver/internal/telemetry"
	"authserver/internal/tokens"
	"authserver/internal/web"
)

// Paths of the public endpoints that the metadata names.
const (
	TokenPath      = "/oauth2/token"
	TokenAlias     = "/token" // the same under a shorter name
	IntrospectPath = "/oauth2/introspect"
	RevokePath     = "/oauth2/revoke"
	JWKSPath       = "/.well-known/jwks.json"
	MetadataPath   = "/.well-known/oauth-authorization-server"
)

// Handlers is everything that the endpoints need.
type Handlers struct {
	Issuer        string // the issuer identifier
	Authenticator *clientauth.Authenticator
	// AssertionAlgs are what the assertions of clients may be signed with; nil: no client
	// can prove itself by one.
	AssertionAlgs []string
	// ClientCertProxies are the peers that may say in Client-Cert which certificate a
	// client presented; TakesCertificates is whether one can arrive at all.
	ClientCertProxies web.Proxies
	TakesCertificates bool
	TrustedProxies    web.Proxies // whose word for the address of a client is taken
	// Places bound the requests of the public listener and what their bodies take. It is
	// bounded by connections already where a connection has one request at a time.
	Places admission.Places
	// Crowded reports whether there are so many connections of the public listener that all
	// of their streams together would be too many. Only then the answers count until they
	// are taken: it costs a frame more for each.
	Crowded func() bool
	// Gates bound by their kind, a grant or one of enter.go, how many requests are
	// worked on at once; nil: nothing does.
	Gates map[string]*admission.Gate
	// Shed says how many of the requests that a gate refused are logged.
	Shed       rate.Sometimes
	Grants     *grants.Registry
	Keys       interface{ JWKS() keys.Document }
	JWKSMaxAge time.Duration // how long a cache may use the key set
	JWKSStale  time.Duration // and then while it fetches it again (RFC 5861 §3)
	Proof      Proof
	Assertions store.Assertions // what was used and is good once
	Verifier   *tokens.Verifier
	View       *tokens.View
	Revoker    *tokens.Revoker
	Refresh    *tokens.RefreshCodec
	Handles    *tokens.Handles
	Families   store.Families
	Users      interface {
		User(ctx context.Context, id string) (store.User, error)
	}
	Health  *Health
	OpenAPI []byte
	Metrics *telemetry.Metrics
	Logger  *slog.Logger
	Now     func() time.Time
	Clock   store.Clock // that Now reads
	Rand    io.Reader
}

// endpoint answers a request, or returns why not. What it learns for the one log
// line of the request goes into the note.
type endpoint func(w http.ResponseWriter, r *http.Request, n *note) error

// route is a row of the table. A route of GET answers HEAD too.
type route struct {
	method string
	path   string // as logs and metrics have it, whatever the issuer's
	serve  endpoint
	noLog  bool // asked every few seconds by machines: logged only when it fails
}

// public is the table of the public listener.
func (h *Handlers) public() []route {
	return []route{
		{http.MethodPost, TokenPath, h.token, false},
		{http.MethodPost, TokenAlias, h.token, false},
		{http.MethodPost, IntrospectPath, h.introspect, false},
		{http.MethodPost, RevokePath, h.revoke, false},
		{http.MethodGet, JWKSPath, anyOrigin(h.jwks), true},
		{http.MethodOptions, JWKSPath, anyOrigin(preflight), false},
		{http.MethodGet, MetadataPath, anyOrigin(h.metadata), false},
		{http.MethodOptions, MetadataPath, anyOrigin(preflight), false},
		{http.MethodGet, "/openapi.yaml", h.openapi, false},
		{http.MethodGet, "/healthz", h.Health.live, true},
		{http.MethodGet, "/readyz", h.Health.ready, true},
	}
}

// ops is the table of the listener that is not for the public.
func (h *Handlers) ops() []route {
	return []route{
		{http.MethodGet, "/metrics", h.metrics, true},
		{http.MethodGet, "/healthz", h.Health.live, true},
		{http.MethodGet, "/readyz", h.Health.ready, true},
		{http.MethodGet, "/debug/pprof/", plain(http.HandlerFunc(pprof.Index)), false},
		{http.MethodGet, "/debug/pprof/{profile}", plain(http.HandlerFunc(pprof.Index)), false},
		{http.MethodGet, "/debug/pprof/cmdline", plain(http.HandlerFunc(pprof.Cmdline)), false},
		{http.MethodGet, "/debug/pprof/profile", plain(http.HandlerFunc(pprof.Profile)), false},
		{http.MethodGet, "/debug/pprof/symbol", plain(http.HandlerFunc(pprof.Symbol)), false},
		{http.MethodGet, "/debug/pprof/trace", plain(http.HandlerFunc(pprof.Trace)), false},
	}
}

// Routes returns the paths of both listeners, for the metrics.
func (h *Handlers) Routes() []string {
	var paths []string
	for _, row := range append(h.public(), h.ops()...) {
		if !slices.Contains(paths, row.path) {
			paths = append(paths, row.path)
		}
	}
	return paths
}

// Public returns the handler of the public listener. A request has at most the
// limit given to be answered.
func (h *Handlers) Public(limit time.Duration) http.Handler {
	return h.router(h.public(), h.Issuer, limit, &h.Places)
}

// Ops returns the handler of the ops listener. Profiles take as long as they are
// asked to.
func (h *Handlers) Ops() http.Handler { return h.router(h.ops(), "", 0, new(admission.Places)) }

// router serves a table, under the path of the issuer too.
func (h *Handlers) router(table []route, issuer string, limit time.Duration, places *admission.Places) http.Handler {
	router := chi.NewRouter()
	methods := make(map[string][]string)
	var paths []string
	for _, row := range table {
		paths = append(paths, row.path)
	}
	for _, row := range table {
		for _, path := range servedAt(issuer, row.path) {
			serve := h.wrap(row, publishedAs(issuer, path, paths...), limit, places)
			for _, method := range answers(row.method) {
				if slices.Contains(methods[path], method) {
					continue // an alias under the path of an issuer, such as /oauth2, may be the endpoint itself
				}
				router.Method(method, path, serve)
				methods[path] = append(methods[path], method)
			}
		}
	}
	router.NotFound(h.wrap(route{path: "", serve: notFound}, nil, limit, places).ServeHTTP)
	router.MethodNotAllowed(h.wrap(route{path: "", serve: func(w http.ResponseWriter, r *http.Request, _ *note) error {
		allow := slices.Clone(methods[r.URL.Path])
		if len(allow) == 0 { // chi asks here for methods that it does not know, whatever the path
			return notFound(w, r, nil)
		}
		if slices.Contains(allow, http.MethodOptions) { // a preflight would have let the page read this too
			setAnyOrigin(w.Header())
		}
		slices.Sort(allow)
		w.Header().Set("Allow", strings.Join(allow, ", "))
		return methodNotAllowed()
	}}, nil, limit, places).ServeHTTP)
	return router
}

func answers(method string) []string {
	if method == http.MethodGet {
		return []string{http.MethodGet, http.MethodHead}
	}
	return []string{method}
}

func (h *Handlers) metrics(w http.ResponseWriter, r *http.Request, _ *note) error {
	h.Metrics.Handler().ServeHTTP(w, r)
	return nil
}

// plain makes an endpoint of a handler that cannot fail.
func plain(handler http.Handler) endpoint {
	return func(w http.ResponseWriter, r *http.Request, _ *note) error {
		handler.ServeHTTP(w, r)
		return nil
	}
}
