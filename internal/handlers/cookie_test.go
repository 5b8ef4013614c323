package handlers

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

func withCookies(header ...string) *http.Request {
	r := httptest.NewRequest(http.MethodGet, "/login", nil)
	for _, line := range header {
		r.Header.Add("Cookie", line)
	}
	return r
}

// RFC 6265bis §8.6: other hosts of the domain, other ports and other programs can set cookies too.
func TestCookie(t *testing.T) {
	secure, plain := Cookie{Secure: true}, Cookie{}
	for _, test := range []struct {
		name   string
		cookie Cookie
		header []string
		want   string // "two": the request is refused
	}{
		{"none", secure, nil, ""},
		{"ours", secure, []string{"a=b; __Host-session=secret; c=d"}, "secret"},
		{"one that any host may set, over https", secure, []string{"session=secret"}, ""},
		{"one with the other prefix", secure, []string{"__Secure-session=secret"}, ""},
		{"another case", secure, []string{"__host-session=secret"}, ""},
		{"ours over http", plain, []string{"session=secret"}, "secret"},
		{"two that are the same", plain, []string{"session=secret; session=secret"}, "secret"},
		{"two that differ", plain, []string{"session=tossed; session=secret"}, "two"},
		{"two that differ, in two headers", plain, []string{"session=secret", "session=tossed"}, "two"},
		{"very many", plain, []string{strings.Repeat("session=secret; ", 100)}, "two"},
	} {
		got, err := test.cookie.read(withCookies(test.header...))
		if err != nil {
			got = "two"
		}
		if got != test.want {
			t.Errorf("%s: %q, want %q", test.name, got, test.want)
		}
	}
	w := httptest.NewRecorder()
	secure.write(w, "secret")
	if got, want := w.Header().Get("Set-Cookie"), "__Host-session=secret; Path=/; HttpOnly; Secure; SameSite=Lax"; got != want {
		t.Errorf("the cookie is set as %q, want %q", got, want)
	}
	w = httptest.NewRecorder()
	plain.write(w, "secret")
	if got, want := w.Header().Get("Set-Cookie"), "session=secret; Path=/; HttpOnly; SameSite=Lax"; got != want {
		t.Errorf("the cookie is set as %q, want %q", got, want)
	}
}

func FuzzCookie(f *testing.F) {
	for _, seed := range []string{"", "__Host-session=x", "__Host-session=x; __Host-session=y", "=;;=", "session", `__Host-session="x"`} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, header string) {
		if got, _ := (Cookie{Secure: true}).read(withCookies(header)); got != "" && !strings.Contains(header, "__Host-session=") {
			t.Errorf("%q has the secret %q", header, got)
		}
	})
}
