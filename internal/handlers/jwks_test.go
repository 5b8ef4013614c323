package handlers

import (
	"compress/gzip"
	"io"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"authserver/internal/keys"
)

// keySet fetches the key set in a coding. Go's client would ask for gzip by itself
// where none was named, and unpack it.
func (v visitor) keySet(method, coding, ifNoneMatch string) answer {
	v.Helper()
	header := map[string]string{"Accept-Encoding": coding}
	if ifNoneMatch != "" {
		header["If-None-Match"] = ifNoneMatch
	}
	return v.do(method, JWKSPath, "", header)
}

func unzip(t *testing.T, body string) string {
	t.Helper()
	reader, err := gzip.NewReader(strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	unpacked, err := io.ReadAll(reader)
	if err != nil {
		t.Fatal(err)
	}
	return string(unpacked)
}

func TestJWKS(t *testing.T) {
	v := newSite(t).open()
	plain, packed := v.keySet(http.MethodGet, "identity", ""), v.keySet(http.MethodGet, "gzip", "")
	if set, _ := plain.json(t)["keys"].([]any); len(set) != 2 || strings.Contains(plain.body, `"d"`) {
		t.Errorf("%d keys: %s", len(set), plain.body)
	}
	if got := unzip(t, packed.body); got != plain.body {
		t.Errorf("the gzip holds %s, want %s", got, plain.body)
	}
	if plain.header.Get("ETag") == packed.header.Get("ETag") { // RFC 9110 §8.8.3.3
		t.Errorf("both representations have the tag %s", plain.header.Get("ETag"))
	}
	for _, test := range []struct {
		name   string
		answer answer
		coding string
	}{{"as it is", plain, "identity"}, {"in gzip", packed, "gzip"}} {
		t.Run(test.name, func(t *testing.T) {
			want := http.Header{
				"Access-Control-Allow-Origin":   {"*"},
				"Access-Control-Expose-Headers": {"ETag"},
				"Cache-Control":                 {"public, max-age=300, stale-while-revalidate=30"},
				"Content-Length":                {strconv.Itoa(len(test.answer.body))},
				"Content-Type":                  {"application/jwk-set+json"},
				"Etag":                          test.answer.header["Etag"],
				"Vary":                          {"Accept-Encoding"},
				"X-Content-Type-Options":        {"nosniff"},
			}
			if test.coding == "gzip" {
				want.Set("Content-Encoding", test.coding)
			}
			compareHeaders(t, want, test.answer.header)
			v := v
			v.TB = t
			head := v.keySet(http.MethodHead, test.coding, "") // RFC 9110 §9.3.2
			compareHeaders(t, want, head.header)
			if head.status != http.StatusOK || head.body != "" {
				t.Errorf("HEAD is answered with %d and %d bytes", head.status, len(head.body))
			}
			// RFC 9110 §15.4.5: what a 200 would have said of the cache, and no more.
			for _, method := range []string{http.MethodGet, http.MethodHead} {
				unchanged := v.keySet(method, test.coding, want.Get("ETag"))
				for _, name := range []string{"Content-Type", "Content-Length", "Content-Encoding"} {
					want.Del(name)
				}
				compareHeaders(t, want, unchanged.header)
				if unchanged.status != http.StatusNotModified || unchanged.body != "" {
					t.Errorf("%s of the same is answered with %d and %d bytes", method, unchanged.status, len(unchanged.body))
				}
			}
		})
	}
	ranged := v.do(http.MethodGet, JWKSPath, "", map[string]string{"Range": "bytes=0-9", "Accept-Encoding": "identity"})
	if ranged.status != http.StatusOK || ranged.body != plain.body {
		t.Errorf("half a key set is served: %d %q", ranged.status, ranged.body)
	}
}

// compareHeaders leaves out what is different for each request.
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
	plain, packed := v.keySet(http.MethodGet, "identity", "").header.Get("ETag"), v.keySet(http.MethodGet, "gzip", "").header.Get("ETag")
	for _, test := range []struct {
		name, coding, ifNoneMatch string
		status                    int
	}{
		{"the same", "identity", plain, http.StatusNotModified},
		{"the same in gzip", "gzip", packed, http.StatusNotModified},
		{"the same, weak (RFC 9110 section 13.1.2)", "identity", "W/" + plain, http.StatusNotModified},
		{"the same in gzip, weak", "gzip", "W/" + packed, http.StatusNotModified},
		{"one of several", "identity", `"x", ` + plain + `,"y"`, http.StatusNotModified},
		{"a cache that has both", "identity", packed + ", " + plain, http.StatusNotModified},
		{"a cache that has both, in gzip", "gzip", packed + ", " + plain, http.StatusNotModified},
		{"any", "identity", "*", http.StatusNotModified},
		{"any in gzip", "gzip", " * ", http.StatusNotModified},
		// RFC 9110 §13.1.2: it is the selected representation that has to match.
		{"the tag of the gzip for who cannot read it", "identity", packed, http.StatusOK},
		{"the tag of the plain set for who prefers gzip", "gzip", plain, http.StatusOK},
		{"another", "identity", `"x"`, http.StatusOK},
		{"without its quotes", "identity", strings.Trim(plain, `"`), http.StatusOK},
		{"a star in another tag", "identity", `"x,*,y"`, http.StatusOK},
		{"a star among tags", "identity", `"x", *`, http.StatusOK},
		{"none", "identity", "", http.StatusOK},
	} {
		t.Run(test.name, func(t *testing.T) {
			want := plain
			if test.coding == "gzip" {
				want = packed
			}
			v := v
			v.TB = t
			a := v.keySet(http.MethodGet, test.coding, test.ifNoneMatch)
			if a.status != test.status || a.header.Get("ETag") != want || (a.body == "") != (test.status == http.StatusNotModified) {
				t.Errorf("%d with %d bytes, ETag %q; want %d, %q", a.status, len(a.body), a.header.Get("ETag"), test.status, want)
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
		request.Header = http.Header{"Accept-Encoding": {"br", "gzip"}, "If-None-Match": {`"x"`, packed}}
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
			h := &Handlers{JWKSMaxAge: test.maxAge, JWKSStale: test.stale}
			if got := h.jwksCacheControl(); got != test.want {
				t.Errorf("Cache-Control is %q, want %q", got, test.want)
			}
		})
	}
}

// noKeys is a manager that has loaded nothing.
type noKeys struct{}

func (noKeys) JWKS() keys.Document { return keys.Document{} }

func TestAnEmptyKeySetIsNeverServed(t *testing.T) {
	s := newSite(t)
	s.Keys = noKeys{}
	for _, coding := range []string{"identity", "gzip"} {
		a := s.open().keySet(http.MethodGet, coding, "*")
		if a.status != http.StatusInternalServerError || a.text(t, "error") != "server_error" || a.header.Get("Cache-Control") != "no-store" {
			t.Errorf("answered %d %s, Cache-Control %q", a.status, a.body, a.header.Get("Cache-Control"))
		}
		if a.header.Get("ETag") != "" || a.header.Get("Access-Control-Allow-Origin") != "*" {
			t.Errorf("the error has the headers %v", a.header)
		}
	}
}
