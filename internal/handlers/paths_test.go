package handlers

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// All URLs in the metadata of an issuer with a path work, whether a proxy passes the path on or
// removes it, and behave like the endpoints without the path.
func TestIssuerWithAPath(t *testing.T) {
	for _, test := range []struct{ issuer, prefix string }{
		{issuer, ""},
		{issuer + "/", ""},
		{issuer + "/auth", "/auth"},
		{issuer + "/auth/", "/auth"},
		{issuer + "/realms/one.two/v2.0", "/realms/one.two/v2.0"},
		{issuer + "/oauth2", "/oauth2"}, // looks like a part of our own paths
		{issuer + "/token", "/token"},
		{issuer + "/.well-known", "/.well-known"},
		{issuer + "/.well-known/oauth-authorization-server", "/.well-known/oauth-authorization-server"},
	} {
		t.Run(test.issuer, func(t *testing.T) {
			s := newSite(t)
			s.Issuer = test.issuer
			v := s.visit(s.public(0), http.DefaultClient)
			// The first is the form of RFC 8414 §3.1, and the second that of OpenID Connect
			// Discovery §4.
			metadata := v.do(http.MethodGet, MetadataPath+test.prefix, "", nil).json(t)
			if metadata["issuer"] != test.issuer {
				t.Errorf("the issuer is %v", metadata["issuer"])
			}
			for _, other := range []string{test.prefix + MetadataPath, MetadataPath} {
				if diff := cmp.Diff(metadata, v.do(http.MethodGet, other, "", nil).json(t)); diff != "" {
					t.Errorf("at %s it is another:\n%s", other, diff)
				}
			}
			published := 0
			for name, value := range metadata {
				if !strings.HasSuffix(name, "_endpoint") && name != "jwks_uri" {
					continue
				}
				published++
				u, err := url.Parse(value.(string))
				s.ok(err)
				stripped, under := strings.CutPrefix(u.Path, test.prefix)
				if !under || !strings.HasPrefix(value.(string), issuer) || strings.Contains(u.Path, "//") {
					t.Errorf("%s is %s", name, value)
				}
				if slices.Contains([]string{"authorization_endpoint", "userinfo_endpoint", "end_session_endpoint"}, name) { // they answer GET and POST
					continue
				}
				for _, path := range []string{u.Path, stripped} {
					v.isServed(t, path, name == "jwks_uri")
				}
			}
			if published != 8 {
				t.Errorf("%d URLs are published: %v", published, metadata)
			}
			for _, path := range []string{TokenAlias, "/healthz", "/readyz", "/openapi.yaml"} {
				v.isServed(t, test.prefix+path, path != TokenAlias)
			}
			if test.prefix != "" {
				for _, path := range []string{test.prefix, test.prefix + "/", test.prefix + "/metrics", test.prefix + "x" + JWKSPath, "/" + test.prefix + JWKSPath} {
					if a := v.do(http.MethodGet, path, "", nil); a.status != http.StatusNotFound && path != TokenAlias && path != MetadataPath {
						t.Errorf("%s answers %d", path, a.status)
					}
				}
			}
		})
	}
}

// isServed requires an endpoint that answers GET, or one that answers POST, with its other answers.
func (v visitor) isServed(t *testing.T, path string, get bool) {
	t.Helper()
	right, wrong, allow := http.MethodPost, http.MethodGet, "POST"
	if get {
		right, wrong, allow = http.MethodGet, http.MethodPost, "GET, HEAD"
	}
	if a := v.do(right, path, "", map[string]string{"Content-Type": "application/x-www-form-urlencoded"}); a.status != http.StatusOK && a.status != http.StatusBadRequest && a.status != http.StatusUnauthorized {
		t.Errorf("%s %s answers %d %s", right, path, a.status, a.body)
	}
	if a := v.do(wrong, path, "", nil); a.status != http.StatusMethodNotAllowed || !strings.Contains(a.header.Get("Allow"), allow) {
		t.Errorf("%s %s answers %d, Allow: %s", wrong, path, a.status, a.header.Get("Allow"))
	}
	if a := v.do(http.MethodHead, path, "", nil); (a.status == http.StatusOK) != get {
		t.Errorf("HEAD %s answers %d", path, a.status)
	}
	if a := v.do(http.MethodGet, path+"/", "", nil); a.status != http.StatusNotFound {
		t.Errorf("%s/ answers %d", path, a.status)
	}
}
