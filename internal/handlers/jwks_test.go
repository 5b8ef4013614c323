package handlers

import (
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"authserver/internal/keys"
)

func (v visitor) keySet(method, ifNoneMatch string) answer {
	v.Helper()
	header := map[string]string{}
	if ifNoneMatch != "" {
		header["If-None-Match"] = ifNoneMatch
	}
	return v.do(method, JWKSPath, "", header)
}

func TestJWKS(t *testing.T) {
	v := newSite(t).open()
	got := v.keySet(http.MethodGet, "")
	if set, _ := got.json(t)["keys"].([]any); len(set) != 2 || strings.Contains(got.body, `"d"`) {
		t.Errorf("%d keys: %s", len(set), got.body)
	}
	want := http.Header{
		"Access-Control-Allow-Origin":   {"*"},
		"Access-Control-Expose-Headers": {"ETag"},
		"Cache-Control":                 {"public, max-age=300, stale-while-revalidate=30"},
		"Content-Length":                {strconv.Itoa(len(got.body))},
		"Content-Type":                  {"application/jwk-set+json"},
		"Etag":                          got.header["Etag"],
		"X-Content-Type-Options":        {"nosniff"},
	}
	compareHeaders(t, want, got.header)
	head := v.keySet(http.MethodHead, "") // RFC 9110 §9.3.2
	compareHeaders(t, want, head.header)
	if head.status != http.StatusOK || head.body != "" {
		t.Errorf("HEAD is answered with %d and %d bytes", head.status, len(head.body))
	}
	// RFC 9110 §15.4.5: the headers for caches are those of a 200, and there are no others.
	want.Del("Content-Type")
	want.Del("Content-Length")
	for _, method := range []string{http.MethodGet, http.MethodHead} {
		unchanged := v.keySet(method, want.Get("ETag"))
		compareHeaders(t, want, unchanged.header)
		if unchanged.status != http.StatusNotModified || unchanged.body != "" {
			t.Errorf("%s of the same is answered with %d and %d bytes", method, unchanged.status, len(unchanged.body))
		}
	}
	ranged := v.do(http.MethodGet, JWKSPath, "", map[string]string{"Range": "bytes=0-9"})
	if ranged.status != http.StatusOK || ranged.body != got.body {
		t.Errorf("half a key set is served: %d %q", ranged.status, ranged.body)
	}
}

// compareHeaders ignores the headers that differ for each request.
func compareHeaders(t *testing.T, want, got http.Header) {
	t.Helper()
	got = got.Clone()
	for _, name := range []string{"Date", "X-Request-Id"} {
		got.Del(name)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("headers (-want +got):\n%s", diff)
	}
}

func TestJWKSOnACondition(t *testing.T) {
	v := newSite(t).open()
	tag := v.keySet(http.MethodGet, "").header.Get("ETag")
	for _, test := range []struct {
		name, ifNoneMatch string
		status            int
	}{
		{"the same", tag, http.StatusNotModified},
		{"the same, weak (RFC 9110 section 13.1.2)", "W/" + tag, http.StatusNotModified},
		{"one of several", `"x", ` + tag + `,"y"`, http.StatusNotModified},
		{"any", "*", http.StatusNotModified},
		{"any, with blanks", " * ", http.StatusNotModified},
		{"another", `"x"`, http.StatusOK},
		{"without its quotes", strings.Trim(tag, `"`), http.StatusOK},
		{"a star in another tag", `"x,*,y"`, http.StatusOK},
		{"a star among tags", `"x", *`, http.StatusOK},
		{"none", "", http.StatusOK},
	} {
		t.Run(test.name, func(t *testing.T) {
			v := v
			v.TB = t
			a := v.keySet(http.MethodGet, test.ifNoneMatch)
			if a.status != test.status || a.header.Get("ETag") != tag || (a.body == "") != (test.status == http.StatusNotModified) {
				t.Errorf("%d with %d bytes, ETag %q; want %d, %q", a.status, len(a.body), a.header.Get("ETag"), test.status, tag)
			}
		})
	}
	t.Run("tags in two fields", func(t *testing.T) {
		v := v
		v.TB = t
		request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, v.base+JWKSPath, nil)
		if err != nil {
			t.Fatal(err)
		}
		request.Header = http.Header{"If-None-Match": {`"x"`, tag}}
		if a := v.send(request); a.status != http.StatusNotModified {
			t.Errorf("answered %d", a.status)
		}
	})
}

func TestJWKSMayBeStaleForWholeSeconds(t *testing.T) {
	for _, test := range []struct {
		name          string
		maxAge, stale time.Duration
		want          string
	}{
		{"the default", 5 * time.Minute, 30 * time.Second, "public, max-age=300, stale-while-revalidate=30"},
		{"nothing is left out", 9 * time.Second, 0, "public, max-age=9"},
		{"less than a second is nothing", 9 * time.Second, time.Second - 1, "public, max-age=9"},
		{"a part of a second is not granted", 1999 * time.Millisecond, 0, "public, max-age=1"},
	} {
		t.Run(test.name, func(t *testing.T) {
			if got := KeySetCacheControl(test.maxAge, test.stale); got != test.want {
				t.Errorf("Cache-Control is %q, want %q", got, test.want)
			}
		})
	}
}

// noKeys is a manager without keys.
type noKeys struct{}

func (noKeys) JWKS() keys.Document { return keys.Document{} }

func TestAnEmptyKeySetIsNeverServed(t *testing.T) {
	s := newSite(t)
	s.JWKS.Keys = noKeys{}
	a := s.open().keySet(http.MethodGet, "*")
	if a.status != http.StatusInternalServerError || a.text(t, "error") != "server_error" || a.header.Get("Cache-Control") != "no-store" {
		t.Errorf("answered %d %s, Cache-Control %q", a.status, a.body, a.header.Get("Cache-Control"))
	}
	if a.header.Get("ETag") != "" || a.header.Get("Access-Control-Allow-Origin") != "*" {
		t.Errorf("the error has the headers %v", a.header)
	}
}
