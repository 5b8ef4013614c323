package handlers

import (
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// corsHeaders returns the headers of an answer that are part of CORS.
func corsHeaders(a answer) map[string]string {
	found := map[string]string{}
	for name := range a.header {
		if strings.HasPrefix(name, "Access-Control-") {
			found[strings.TrimPrefix(name, "Access-Control-")] = a.header.Get(name)
		}
	}
	return found
}

var fromAPage = map[string]string{"Origin": "https://spa.example.com"}

func TestPagesOfAnyOriginMayReadWhatIsPublic(t *testing.T) {
	s := newSite(t)
	s.Issuer = issuer + "/tenant"
	v := s.visit(s.public(0), http.DefaultClient) // the document does not depend on a path in the settings
	anyone := map[string]string{"Allow-Origin": "*"}
	withTag := map[string]string{"Allow-Origin": "*", "Expose-Headers": "ETag"}
	asked := map[string]string{"Allow-Origin": "*", "Allow-Methods": "GET, HEAD", "Allow-Headers": "If-None-Match", "Max-Age": "86400"}
	for _, test := range []struct {
		name, method, path string
		status             int
		want               map[string]string
	}{
		{"the key set", http.MethodGet, JWKSPath, http.StatusOK, withTag},
		{"HEAD of the key set", http.MethodHead, JWKSPath, http.StatusOK, withTag},
		{"a preflight for the key set", http.MethodOptions, JWKSPath, http.StatusNoContent, asked},
		{"another method of the key set", http.MethodPost, JWKSPath, http.StatusMethodNotAllowed, anyone},
		{"the metadata", http.MethodGet, MetadataPath, http.StatusOK, anyone},
		{"a preflight for the metadata", http.MethodOptions, MetadataPath, http.StatusNoContent, asked},
		{"another method of the metadata", http.MethodDelete, MetadataPath, http.StatusMethodNotAllowed, anyone},
		{"the metadata of an issuer with a path", http.MethodGet, MetadataPath + "/tenant", http.StatusOK, anyone},
		{"a preflight for that", http.MethodOptions, MetadataPath + "/tenant", http.StatusNoContent, asked},
		{"another method of that", http.MethodPut, MetadataPath + "/tenant", http.StatusMethodNotAllowed, anyone},
		{"the metadata of another path", http.MethodOptions, MetadataPath + "/other", http.StatusNotFound, map[string]string{}},
	} {
		t.Run(test.name, func(t *testing.T) {
			v := v
			v.TB = t
			a := v.do(test.method, test.path, "", fromAPage)
			if a.status != test.status {
				t.Errorf("answered %d, want %d", a.status, test.status)
			}
			if diff := cmp.Diff(test.want, corsHeaders(a)); diff != "" {
				t.Errorf("headers of CORS (-want +got):\n%s", diff)
			}
			if allow := a.header.Get("Allow"); a.status != http.StatusOK && a.status != http.StatusNotFound && allow != "GET, HEAD, OPTIONS" {
				t.Errorf("Allow is %q", allow)
			}
			if a.status == http.StatusNoContent && (a.body != "" || a.header.Get("Content-Type") != "" || a.header.Get("X-Request-Id") == "") {
				t.Errorf("%q with the headers %v", a.body, a.header)
			}
		})
	}
}

// Pages may not read endpoints that need credentials: neither an answer nor a preflight allows it.
func TestPagesMayReadNothingElse(t *testing.T) {
	s := newSite(t)
	v := s.open()
	readable := []string{JWKSPath, MetadataPath, DiscoveryPath}
	ofApps := []string{TokenPath, TokenAlias, RevokePath, UserinfoPath}
	others := []string{"/", "/nothing", JWKSPath + "/"}
	for _, row := range s.Routes() {
		if !slices.Contains(readable, row.Path) {
			others = append(others, row.Path)
		}
	}
	preflight := map[string]string{"Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "authorization"}
	maps.Copy(preflight, fromAPage)
	for _, path := range others {
		for _, method := range []string{http.MethodGet, http.MethodPost, http.MethodOptions, http.MethodPut} {
			a := v.do(method, path, "", preflight)
			if got := corsHeaders(a); len(got) > 0 {
				t.Errorf("%s %s: %v", method, path, got)
			}
			if method == http.MethodOptions && a.status != http.StatusMethodNotAllowed && a.status != http.StatusNotFound && !slices.Contains(ofApps, path) {
				t.Errorf("%s %s: answered %d", method, path, a.status)
			}
		}
	}
	token := v.token("web", secret, "grant_type", "client_credentials")
	if got := corsHeaders(token); len(got) > 0 {
		t.Errorf("a token is answered with %v", got)
	}
}
