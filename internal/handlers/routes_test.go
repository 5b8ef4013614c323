package handlers

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/google/go-cmp/cmp"

	"authserver/api"
	"authserver/internal/web"
)

func document(t *testing.T) *openapi3.T {
	t.Helper()
	doc, err := openapi3.NewLoader().LoadFromData(api.OpenAPI())
	if err != nil {
		t.Fatal(err)
	}
	return doc
}

// The table of routes and the document agree.
func TestRoutesAreDocumented(t *testing.T) {
	s, doc := newSite(t), document(t)
	routed := make(map[string]bool)
	for _, row := range s.Routes() {
		routed[row.Method+" "+row.Path] = true
		item := doc.Paths.Value(row.Path)
		if item == nil || item.GetOperation(row.Method) == nil {
			t.Errorf("api/openapi.yaml has no %s %s", row.Method, row.Path)
		}
	}
	for path, item := range doc.Paths.Map() {
		for method := range item.Operations() {
			if method == http.MethodHead {
				method = http.MethodGet
			}
			if !routed[method+" "+path] {
				t.Errorf("api/openapi.yaml has %s %s, and no route does", method, path)
			}
		}
	}
}

func TestNoSuchPathOrMethod(t *testing.T) {
	v := newSite(t).open()
	tests := []struct {
		name, method, path string
		status             int
		allow              string
	}{
		{"a path that is not there", http.MethodGet, "/nothing", http.StatusNotFound, ""},
		{"the root", http.MethodGet, "/", http.StatusNotFound, ""},
		{"a slash behind", http.MethodPost, "/oauth2/token/", http.StatusNotFound, ""},
		{"another case", http.MethodPost, "/OAuth2/token", http.StatusNotFound, ""},
		{"dots in the path", http.MethodGet, "/.well-known/../metrics", http.StatusNotFound, ""},
		{"what the ops listener has", http.MethodGet, "/metrics", http.StatusNotFound, ""},
		{"profiles", http.MethodGet, "/debug/pprof/", http.StatusNotFound, ""},
		{"an unknown method, nowhere", "BREW", "/nothing", http.StatusNotFound, ""},
		// RFC 6749 §3.2: the client MUST use POST. RFC 9110 §15.5.6: MUST generate Allow.
		{"GET of the token endpoint", http.MethodGet, "/oauth2/token", http.StatusMethodNotAllowed, "OPTIONS, POST"},
		{"HEAD of the token endpoint", http.MethodHead, "/oauth2/token", http.StatusMethodNotAllowed, "OPTIONS, POST"},
		{"PUT of its other name", http.MethodPut, "/token", http.StatusMethodNotAllowed, "OPTIONS, POST"},
		{"GET of introspection", http.MethodGet, "/oauth2/introspect", http.StatusMethodNotAllowed, "POST"},
		{"DELETE of revocation", http.MethodDelete, "/oauth2/revoke", http.StatusMethodNotAllowed, "OPTIONS, POST"},
		{"POST of the keys", http.MethodPost, JWKSPath, http.StatusMethodNotAllowed, "GET, HEAD, OPTIONS"},
		{"OPTIONS of introspection", http.MethodOptions, IntrospectPath, http.StatusMethodNotAllowed, "POST"},
		{"OPTIONS of this document", http.MethodOptions, "/openapi.yaml", http.StatusMethodNotAllowed, "GET, HEAD"},
		{"OPTIONS of nothing", http.MethodOptions, "/nothing", http.StatusNotFound, ""},
		{"an unknown method", "BREW", MetadataPath, http.StatusMethodNotAllowed, "GET, HEAD, OPTIONS"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			v := v
			v.TB = t
			a := v.do(test.method, test.path, "", nil)
			if a.status != test.status || a.header.Get("Allow") != test.allow {
				t.Errorf("answered %d, Allow %q; want %d, %q", a.status, a.header.Get("Allow"), test.status, test.allow)
			}
			if test.method != http.MethodHead && a.text(t, "error") != "invalid_request" {
				t.Errorf("the body is %q", a.body)
			}
			if !strings.HasPrefix(a.header.Get("Content-Type"), "application/json") || a.header.Get("X-Request-Id") == "" {
				t.Errorf("header %v", a.header)
			}
		})
	}
}

// A path has one spelling, so that a proxy that guards the path guards all of it.
func TestPathsHaveOneSpelling(t *testing.T) {
	s := newSite(t)
	v := s.visit(s.public(0), http.DefaultClient)
	for _, path := range []string{"/oauth2%2Ftoken", "/oauth2/%74oken", "//oauth2/token", "/oauth2/./token", "/x/../token"} {
		if a := v.do(http.MethodPost, path, "", nil); a.status != http.StatusNotFound {
			t.Errorf("%s: %d", path, a.status)
		}
	}
}

// RFC 9110 §9.3.2: HEAD is GET without the body.
func TestHeadOfEveryGet(t *testing.T) {
	s := newSite(t)
	v := s.open()
	for _, row := range s.Routes() {
		if row.Method != http.MethodGet {
			continue
		}
		get, head := v.do(http.MethodGet, row.Path, "", nil), v.do(http.MethodHead, row.Path, "", nil)
		wanted := http.StatusOK
		switch {
		case row.Path == UserinfoPath: // the request has no token
			wanted = http.StatusUnauthorized
		case row.Path == web.AssetPath:
			wanted = http.StatusNotFound
		case slices.Contains([]string{AccountPath, EndSessionPath, LogoutPath}, row.Path): // the page says that no one is signed in
		case slices.ContainsFunc(Public{}.people(), func(p web.Route) bool { return p.Path == row.Path }): // a page without an authorization request
			wanted = http.StatusBadRequest
		}
		if get.status != wanted || head.status != get.status || head.body != "" || get.body == "" {
			t.Errorf("%s: GET %d of %d bytes, HEAD %d of %d", row.Path, get.status, len(get.body), head.status, len(head.body))
		}
		for _, name := range []string{"Content-Type", "Content-Length", "Cache-Control", "ETag", "Access-Control-Allow-Origin"} {
			if get.header.Get(name) != head.header.Get(name) {
				t.Errorf("%s: %s is %q, and %q for HEAD", row.Path, name, get.header.Get(name), head.header.Get(name))
			}
		}
	}
}

// The metadata states only what works (RFC 8414 §2).
func TestMetadata(t *testing.T) {
	for _, base := range []string{issuer, issuer + "/tenant/one"} {
		t.Run(base, func(t *testing.T) {
			s := newSite(t)
			s.Issuer = base
			u, err := url.Parse(base)
			s.ok(err)
			// RFC 8414 §3.1: the well-known segment goes before the issuer's path.
			body := s.visit(s.public(0), http.DefaultClient).do(http.MethodGet, MetadataPath+u.Path, "", nil).json(t)
			if body["issuer"] != base { // RFC 8414 §3.3: MUST be identical
				t.Errorf("issuer is %v", body["issuer"])
			}
			var routed []string
			for _, row := range s.Routes() {
				routed = append(routed, row.Method+" "+row.Path)
			}
			endpoints := 0
			for name, value := range body {
				method := http.MethodPost
				if name == "jwks_uri" || name == "authorization_endpoint" {
					method = http.MethodGet
				} else if !strings.HasSuffix(name, "_endpoint") {
					continue
				}
				endpoints++
				path, ok := strings.CutPrefix(value.(string), base)
				if !ok || !slices.Contains(routed, method+" "+path) {
					t.Errorf("%s is %v, which is no route", name, value)
				}
			}
			if endpoints != 8 {
				t.Errorf("%d endpoints: %v", endpoints, body)
			}
			want := map[string]any{
				"grant_types_supported":                         []any{"authorization_code", "client_credentials", "password", "refresh_token", "urn:ietf:params:oauth:grant-type:jwt-bearer", "implicit"},
				"response_types_supported":                      []any{"code", "id_token", "token", "id_token token", "code id_token", "code token", "code id_token token", "none"},
				"code_challenge_methods_supported":              []any{"S256"},
				"token_endpoint_auth_methods_supported":         []any{"client_secret_basic", "client_secret_post", "none"},
				"revocation_endpoint_auth_methods_supported":    []any{"client_secret_basic", "client_secret_post", "none"},
				"introspection_endpoint_auth_methods_supported": []any{"client_secret_basic", "client_secret_post"},
			}
			for name, value := range want {
				if diff := cmp.Diff(value, body[name]); diff != "" {
					t.Errorf("%s (-want +got):\n%s", name, diff)
				}
			}
		})
	}
}

// For any host of the request, the metadata has the configured issuer.
func TestMetadataThroughAnotherHost(t *testing.T) {
	v := newSite(t).open()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, v.base+MetadataPath, nil)
	if err != nil {
		t.Fatal(err)
	}
	request.Host = "evil.example"
	request.Header.Set("X-Forwarded-Host", "evil.example")
	if a := v.send(request); a.text(t, "issuer") != issuer || strings.Contains(a.body, "evil") {
		t.Errorf("answered %s", a.body)
	}
}

func TestOps(t *testing.T) {
	s := newSite(t)
	v := s.visit(s.ops(), http.DefaultClient)
	for _, path := range []string{"/metrics", "/healthz", "/readyz", "/debug/pprof/", "/debug/pprof/goroutine?debug=1", "/debug/pprof/cmdline"} {
		if a := v.do(http.MethodGet, path, "", nil); a.status != http.StatusOK || a.body == "" {
			t.Errorf("%s: %d", path, a.status)
		}
	}
	for _, path := range []string{TokenPath, JWKSPath, "/admin/v1/clients"} {
		if a := v.do(http.MethodGet, path, "", nil); a.status != http.StatusNotFound {
			t.Errorf("%s: %d", path, a.status)
		}
	}
	if !strings.Contains(v.do(http.MethodGet, "/metrics", "", nil).body, `authserver_http_requests_total{route="/healthz",status="2xx"} 1`) {
		t.Error("requests are not counted by their route")
	}
}
