package handlers

import (
	"net/http"
	"net/http/pprof"
	"slices"

	"authserver/internal/pages"
	"authserver/internal/telemetry"
	"authserver/internal/web"
)

// Paths of the public endpoints that the metadata names.
const (
	TokenPath      = "/oauth2/token"
	TokenAlias     = "/token" // the same under a shorter name
	PushPath       = "/oauth2/par"
	IntrospectPath = "/oauth2/introspect"
	RevokePath     = "/oauth2/revoke"
	JWKSPath       = "/.well-known/jwks.json"
	MetadataPath   = "/.well-known/oauth-authorization-server"
	DiscoveryPath  = "/.well-known/openid-configuration" // the same document
	UserinfoPath   = "/oauth2/userinfo"
)

// Public are the endpoints of the public listener.
type Public struct {
	Audit        *Audit
	Token        *Token
	Introspect   *Introspect
	Revoke       *Revoke
	Push         *Push
	JWKS         *JWKS
	Metadata     *Metadata
	Userinfo     *Userinfo
	Origins      *Origins
	OpenAPI      *OpenAPI
	Health       *Health
	SignIn       *SignIn
	Account      *Account
	Logout       *Logout
	CheckSession *CheckSession
}

// Routes is the table of the public listener.
func (p Public) Routes() []web.Route { return append(p.machines(), p.people()...) }

// machines are the endpoints for programs.
func (p Public) machines() []web.Route {
	return []web.Route{
		{Method: http.MethodPost, Path: TokenPath, Serve: p.Origins.admit(p.Audit.recordReplays(p.Token.serve))},
		{Method: http.MethodOptions, Path: TokenPath, Serve: p.Origins.preflight},
		{Method: http.MethodPost, Path: TokenAlias, Serve: p.Origins.admit(p.Audit.recordReplays(p.Token.serve))},
		{Method: http.MethodOptions, Path: TokenAlias, Serve: p.Origins.preflight},
		{Method: http.MethodPost, Path: IntrospectPath, Serve: p.Audit.recordReplays(p.Introspect.serve)},
		{Method: http.MethodPost, Path: RevokePath, Serve: p.Origins.admit(p.Audit.recordReplays(p.Revoke.serve))},
		{Method: http.MethodOptions, Path: RevokePath, Serve: p.Origins.preflight},
		{Method: http.MethodPost, Path: PushPath, Serve: p.Audit.recordReplays(p.Push.serve)},
		{Method: http.MethodGet, Path: UserinfoPath, Serve: p.Origins.admit(p.Audit.recordReplays(p.Userinfo.serve))},
		{Method: http.MethodPost, Path: UserinfoPath, Serve: p.Origins.admit(p.Audit.recordReplays(p.Userinfo.serve))},
		{Method: http.MethodOptions, Path: UserinfoPath, Serve: p.Origins.preflight},
		{Method: http.MethodGet, Path: JWKSPath, Serve: p.JWKS.serve, Quiet: true, AnyOrigin: true},
		{Method: http.MethodOptions, Path: JWKSPath, Serve: web.Preflight, AnyOrigin: true},
		{Method: http.MethodGet, Path: MetadataPath, Serve: p.Metadata.serve, Described: true, AnyOrigin: true},
		{Method: http.MethodOptions, Path: MetadataPath, Serve: web.Preflight, Described: true, AnyOrigin: true},
		{Method: http.MethodGet, Path: DiscoveryPath, Serve: p.Metadata.serve, Described: true, AnyOrigin: true},
		{Method: http.MethodOptions, Path: DiscoveryPath, Serve: web.Preflight, Described: true, AnyOrigin: true},
		{Method: http.MethodGet, Path: CheckSessionPath, Serve: p.CheckSession.serve}, // a page for programs: it shows nothing
		{Method: http.MethodGet, Path: "/openapi.yaml", Serve: p.OpenAPI.serve},
		{Method: http.MethodGet, Path: "/healthz", Serve: p.Health.live, Quiet: true},
		{Method: http.MethodGet, Path: "/readyz", Serve: p.Health.ready, Quiet: true},
	}
}

// people are the endpoints for a person's browser.
func (p Public) people() []web.Route {
	s, a, l := p.SignIn, p.Account, p.Logout
	return []web.Route{
		{Method: http.MethodGet, Path: AuthorizePath, Serve: s.errors(Authorize{s}.get)},
		{Method: http.MethodPost, Path: AuthorizePath, Serve: s.errors(Authorize{s}.post)}, // from any site: RFC 6749 §3.1
		{Method: http.MethodGet, Path: LoginPath, Serve: s.page(Login{s}.get)},
		{Method: http.MethodPost, Path: LoginPath, Serve: s.page(Login{s}.post)},
		{Method: http.MethodGet, Path: AccountsPath, Serve: s.page(Accounts{s}.get)},
		{Method: http.MethodPost, Path: AccountsPath, Serve: s.page(Accounts{s}.post)},
		{Method: http.MethodGet, Path: ConsentPath, Serve: s.page(Consent{s}.get)},
		{Method: http.MethodPost, Path: ConsentPath, Serve: s.page(Consent{s}.post)},
		{Method: http.MethodGet, Path: EndSessionPath, Serve: s.errors(l.endSession)},
		{Method: http.MethodPost, Path: EndSessionPath, Serve: s.errors(l.endSessionByForm)}, // from any site: RP-Initiated Logout 1.0 §2
		{Method: http.MethodGet, Path: LogoutPath, Serve: s.page(l.get)},
		{Method: http.MethodPost, Path: LogoutPath, Serve: s.page(l.post)},
		{Method: http.MethodGet, Path: AccountPath, Serve: s.page(a.get)},
		{Method: http.MethodPost, Path: AccountPath + "/session", Serve: s.page(a.form(a.session))},
		{Method: http.MethodPost, Path: AccountPath + "/password", Serve: s.page(a.changing(pages.PasswordChanged, a.changePassword))},
		{Method: http.MethodPost, Path: AccountPath + "/profile", Serve: s.page(a.changing(pages.ProfileSaved, a.changeProfile))},
		{Method: http.MethodPost, Path: AccountPath + "/app", Serve: s.page(a.form(a.app))},
		{Method: http.MethodPost, Path: AccountPath + "/logout", Serve: s.page(a.form(a.logout))},
		{Method: http.MethodGet, Path: web.AssetPath, Serve: s.asset, Quiet: true},
	}
}

// Ops are the endpoints of the listener that is not for the public.
type Ops struct {
	Metrics *telemetry.Metrics
	Health  *Health
}

// Routes is the table of the ops listener.
func (o Ops) Routes() []web.Route {
	return []web.Route{
		{Method: http.MethodGet, Path: "/metrics", Serve: o.metrics, Quiet: true},
		{Method: http.MethodGet, Path: "/healthz", Serve: o.Health.live, Quiet: true},
		{Method: http.MethodGet, Path: "/readyz", Serve: o.Health.ready, Quiet: true},
		{Method: http.MethodGet, Path: "/debug/pprof/", Serve: web.Plain(http.HandlerFunc(pprof.Index))},
		{Method: http.MethodGet, Path: "/debug/pprof/{profile}", Serve: web.Plain(http.HandlerFunc(pprof.Index))},
		{Method: http.MethodGet, Path: "/debug/pprof/cmdline", Serve: web.Plain(http.HandlerFunc(pprof.Cmdline))},
		{Method: http.MethodGet, Path: "/debug/pprof/profile", Serve: web.Plain(http.HandlerFunc(pprof.Profile))},
		{Method: http.MethodGet, Path: "/debug/pprof/symbol", Serve: web.Plain(http.HandlerFunc(pprof.Symbol))},
		{Method: http.MethodGet, Path: "/debug/pprof/trace", Serve: web.Plain(http.HandlerFunc(pprof.Trace))},
	}
}

func (o Ops) metrics(w http.ResponseWriter, r *http.Request, _ *web.RequestInfo) error {
	o.Metrics.Handler().ServeHTTP(w, r)
	return nil
}

// Paths are those of both listeners, for the metrics.
func Paths() []string {
	var paths []string
	for _, row := range append(Public{}.Routes(), Ops{}.Routes()...) {
		if !slices.Contains(paths, row.Path) {
			paths = append(paths, row.Path)
		}
	}
	return paths
}

// TokenURLs are the published URLs of the token endpoint.
func TokenURLs(issuer string) []string {
	return []string{web.IssuerBase(issuer) + TokenPath, web.IssuerBase(issuer) + TokenAlias}
}
