package web

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

// A proof must name a published URL, however the request arrived.
func TestPublishedAs(t *testing.T) {
	for _, test := range []struct {
		issuer, path string
		want         []string
	}{
		{"https://a.example", "/oauth2/token", []string{"https://a.example/oauth2/token"}},
		{"https://a.example/", "/oauth2/token", []string{"https://a.example/oauth2/token"}},
		{"https://a.example", "/token", []string{"https://a.example/token"}},
		{"https://a.example/auth", "/auth/oauth2/token", []string{"https://a.example/auth/oauth2/token"}},
		{"https://a.example/auth", "/oauth2/token", []string{"https://a.example/auth/oauth2/token"}},
		{"https://a.example/auth/", "/oauth2/token", []string{"https://a.example/auth/oauth2/token"}},
		{"https://a.example/auth/", "/auth/token", []string{"https://a.example/auth/token"}},
		{"https://a.example/oauth2", "/oauth2/token", []string{"https://a.example/oauth2/oauth2/token", "https://a.example/oauth2/token"}},
		{"https://a.example/oauth2", "/oauth2/oauth2/token", []string{"https://a.example/oauth2/oauth2/token"}},
		{"https://a.example/auth", "/elsewhere", nil},
	} {
		if diff := cmp.Diff(test.want, publishedAs(test.issuer, test.path, []Route{{Path: "/oauth2/token"}, {Path: "/token"}})); diff != "" {
			t.Errorf("%s at %s (-want +got):\n%s", test.path, test.issuer, diff)
		}
	}
}
