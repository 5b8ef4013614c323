package blackbox

import (
	"bytes"
	"compress/gzip"
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"testing"

	"authserver/test/harness"
	"authserver/test/openapitest"
)

const jwksPath = "/.well-known/jwks.json"

// wholeSet waits until the next keys are prepared, so that the set stands still,
// and returns it.
func wholeSet(t *testing.T, s *harness.Server) harness.Answer {
	t.Helper()
	var set harness.Answer
	harness.Eventually(t, prepared, "the next keys are prepared", func() bool {
		set = harness.Get(t, s.URL+jwksPath)
		keys, _ := set.Body["keys"].([]any)
		return len(keys) == freshKeys
	})
	return set
}

// exact is a client that gives every body as it came over the wire; answers are
// held to api/openapi.yaml.
func exact(t *testing.T) *http.Client {
	transport := &http.Transport{DisableCompression: true}
	t.Cleanup(transport.CloseIdleConnections)
	return openapitest.New(t).HostileClient(&http.Client{Transport: transport, Timeout: harness.Client.Timeout})
}

// received is an answer as it came, read to its end.
type received struct {
	status   int
	header   http.Header
	body     []byte
	unpacked bool // by Go's client, which asked for gzip by itself
}

// fetch sends a request with headers, given as name and value in turn.
func fetch(t *testing.T, client *http.Client, method, target string, header ...string) received {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), method, target, nil)
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i+1 < len(header); i += 2 {
		request.Header.Add(header[i], header[i+1])
	}
	response, err := client.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return received{response.StatusCode, response.Header, body, response.Uncompressed}
}

func gunzip(t *testing.T, packed []byte) []byte {
	t.Helper()
	reader, err := gzip.NewReader(bytes.NewReader(packed))
	if err != nil {
		t.Fatal(err)
	}
	unpacked, err := io.ReadAll(reader)
	if err != nil {
		t.Fatal(err)
	}
	return unpacked
}

// The key set honours what verifiers send to save work.
func TestJWKSOverHTTP(t *testing.T) {
	s := harness.SQLite(t).Start()
	set := wholeSet(t, s)
	if got := set.Header.Get("Cache-Control"); got != "public, max-age=300, stale-while-revalidate=30" {
		t.Errorf("Cache-Control is %q", got)
	}
	client := exact(t)
	first := fetch(t, client, http.MethodGet, s.URL+jwksPath)
	tag := first.header.Get("ETag")
	for _, test := range []struct {
		name, method, header, value string
		status                      int
	}{
		{"the same", "GET", "If-None-Match", tag, http.StatusNotModified},
		{"the same, weakly", "GET", "If-None-Match", "W/" + tag, http.StatusNotModified},
		{"one of several", "GET", "If-None-Match", `"other", ` + tag, http.StatusNotModified},
		{"any", "GET", "If-None-Match", "*", http.StatusNotModified},
		{"another", "GET", "If-None-Match", `"other"`, http.StatusOK},
		{"HEAD", "HEAD", "Accept", "*/*", http.StatusOK},
		{"HEAD of the same", "HEAD", "If-None-Match", tag, http.StatusNotModified},
		{"a range", "GET", "Range", "bytes=0-3", http.StatusOK},
	} {
		answer := fetch(t, client, test.method, s.URL+jwksPath, test.header, test.value)
		if answer.status != test.status || answer.header.Get("ETag") != tag || answer.header.Get("Vary") != "Accept-Encoding" {
			t.Errorf("%s: answered %d, want %d, with the headers %v", test.name, answer.status, test.status, answer.header)
		}
		length := strconv.Itoa(len(first.body))
		if test.status == http.StatusNotModified {
			length = ""
		}
		if got := answer.header.Get("Content-Length"); got != length {
			t.Errorf("%s: Content-Length is %q, want %q", test.name, got, length)
		}
		if whole := test.method == "GET" && test.status == http.StatusOK; whole != bytes.Equal(answer.body, first.body) {
			t.Errorf("%s: the body is %q", test.name, answer.body)
		}
	}
	keys, _ := set.Body["keys"].([]any)
	for _, key := range keys {
		members, _ := key.(map[string]any)
		for _, name := range []string{"kid", "alg", "use", "kty"} {
			if members[name] == nil {
				t.Errorf("a key has no %s", name)
			}
		}
		for name := range members {
			if slices.Contains([]string{"d", "p", "q", "dp", "dq", "qi", "k"}, name) {
				t.Errorf("a key has the private member %s", name)
			}
		}
	}
}

// Who asks for gzip is given the same set in it, and the same bytes by every
// replica.
func TestJWKSInGzip(t *testing.T) {
	harness.OnBoth(t, func(t *testing.T, d *harness.Deployment) {
		one, other := d.Start().URL+jwksPath, d.Start().URL+jwksPath
		client := exact(t)
		var plain received
		harness.Eventually(t, prepared, "both replicas know the keys that are prepared", func() bool {
			plain = fetch(t, client, http.MethodGet, one)
			return bytes.Count(plain.body, []byte(`"kid"`)) == freshKeys && bytes.Equal(plain.body, fetch(t, client, http.MethodGet, other).body)
		})
		packed := fetch(t, client, http.MethodGet, one, "Accept-Encoding", "br, gzip;q=0.8")
		if got := gunzip(t, packed.body); !bytes.Equal(got, plain.body) {
			t.Errorf("the gzip holds %s, want %s", got, plain.body)
		}
		if packed.header.Get("Content-Encoding") != "gzip" || packed.header.Get("Content-Length") != strconv.Itoa(len(packed.body)) || len(packed.body) >= len(plain.body) {
			t.Errorf("%d bytes came as %d, with the headers %v", len(plain.body), len(packed.body), packed.header)
		}
		tag := packed.header.Get("ETag")
		if tag == plain.header.Get("ETag") {
			t.Errorf("both representations have the tag %s", tag)
		}
		if twin := fetch(t, client, http.MethodGet, other, "Accept-Encoding", "gzip"); !bytes.Equal(twin.body, packed.body) || twin.header.Get("ETag") != tag {
			t.Errorf("another replica serves other bytes, with the tag %s instead of %s", twin.header.Get("ETag"), tag)
		}
		if unchanged := fetch(t, client, http.MethodGet, other, "Accept-Encoding", "gzip", "If-None-Match", tag); unchanged.status != http.StatusNotModified {
			t.Errorf("another replica does not know the tag: %d", unchanged.status)
		}
		// Go's own client asks for gzip and unpacks it, where nobody switched that off.
		if unaware := fetch(t, harness.Client, http.MethodGet, one); !unaware.unpacked || !bytes.Equal(unaware.body, plain.body) || unaware.header.Get("ETag") != tag {
			t.Errorf("a client that is not aware of it was given gzip: %v, and read %s", unaware.unpacked, unaware.body)
		}
		if unchanged := fetch(t, harness.Client, http.MethodGet, one, "If-None-Match", tag); unchanged.status != http.StatusNotModified {
			t.Errorf("its condition is answered with %d", unchanged.status)
		}
	})
}

// proxyCache is a shared cache as RFC 9111 has it, of one URL, whose answers are
// never fresh: each request goes on to the server with every tag that is stored.
type proxyCache struct {
	client *http.Client
	target string
	stored []received
}

// get answers a request, and reports whether the server had to send the body.
func (c *proxyCache) get(t *testing.T, acceptEncoding string) (answer received, sent bool) {
	t.Helper()
	var tags []string
	for _, k := range c.stored {
		tags = append(tags, k.header.Get("ETag"))
	}
	header := []string{"Accept-Encoding", acceptEncoding}
	if len(tags) > 0 {
		header = append(header, "If-None-Match", strings.Join(tags, ", "))
	}
	got := fetch(t, c.client, http.MethodGet, c.target, header...)
	tag, control := got.header.Get("ETag"), got.header.Get("Cache-Control")
	if !strings.HasPrefix(control, "public, max-age=") || got.header.Get("Vary") != "Accept-Encoding" || strings.HasPrefix(tag, "W/") {
		t.Errorf("a cache cannot keep the answer %d with the headers %v", got.status, got.header)
	}
	if got.status == http.StatusOK {
		c.stored = append(c.stored, got)
		return got, true
	}
	// RFC 9111 §4.3.4: a 304 with a strong tag freshens what is stored under that tag.
	for _, k := range c.stored {
		if k.header.Get("ETag") == tag {
			return k, false
		}
	}
	t.Fatalf("the answer %d to %q has the tag %s, under which nothing is stored", got.status, acceptEncoding, tag)
	return received{}, false
}

func TestAProxyCacheKeepsBothRepresentations(t *testing.T) {
	s := harness.SQLite(t).Start()
	wholeSet(t, s)
	plain := fetch(t, exact(t), http.MethodGet, s.URL+jwksPath).body
	for _, order := range [][]string{{"identity", "gzip"}, {"gzip", "identity"}} {
		cache := &proxyCache{client: exact(t), target: s.URL + jwksPath}
		for i, asked := range append(order, "gzip, br", "gzip;q=0", "*", "identity, gzip;q=0.5", "br") {
			answer, sent := cache.get(t, asked)
			if first := i < 2; sent != first {
				t.Errorf("%q after %v: the body was sent: %v, want %v", asked, order, sent, first)
			}
			body := answer.body
			wantGzip := slices.Contains([]string{"gzip", "gzip, br", "*"}, asked)
			if gotGzip := answer.header.Get("Content-Encoding") == "gzip"; gotGzip != wantGzip {
				t.Errorf("%q after %v: answered in gzip: %v", asked, order, gotGzip)
			} else if gotGzip {
				body = gunzip(t, body)
			}
			if !bytes.Equal(body, plain) {
				t.Errorf("%q after %v: answered %s", asked, order, body)
			}
		}
	}
}

// A page of any origin may read the key set and the metadata, and nothing else.
func TestPagesReadWhatIsPublic(t *testing.T) {
	s := harness.SQLite(t).Start()
	const metadata, token = "/.well-known/oauth-authorization-server", "/oauth2/token"
	for _, test := range []struct {
		name, method, path string
		status             int
		origin, methods    string
	}{
		{"the key set", "GET", jwksPath, http.StatusOK, "*", ""},
		{"the metadata", "GET", metadata, http.StatusOK, "*", ""},
		{"an error of the key set", "DELETE", jwksPath, http.StatusMethodNotAllowed, "*", ""},
		{"an error of the metadata", "POST", metadata, http.StatusMethodNotAllowed, "*", ""},
		{"a preflight for the key set", "OPTIONS", jwksPath, http.StatusNoContent, "*", "GET, HEAD"},
		{"a preflight for the metadata", "OPTIONS", metadata, http.StatusNoContent, "*", "GET, HEAD"},
		{"a preflight for the token endpoint", "OPTIONS", token, http.StatusMethodNotAllowed, "", ""},
		{"a token request", "POST", token, http.StatusBadRequest, "", ""},
		{"a preflight for introspection", "OPTIONS", "/oauth2/introspect", http.StatusMethodNotAllowed, "", ""},
		{"a preflight for nothing", "OPTIONS", "/nothing", http.StatusNotFound, "", ""},
	} {
		answer := fetch(t, exact(t), test.method, s.URL+test.path,
			"Origin", "https://spa.example.com", "Access-Control-Request-Method", "GET", "Access-Control-Request-Headers", "if-none-match")
		origin, methods := answer.header.Get("Access-Control-Allow-Origin"), answer.header.Get("Access-Control-Allow-Methods")
		if answer.status != test.status || origin != test.origin || methods != test.methods {
			t.Errorf("%s: answered %d, origin %q, methods %q; want %d, %q, %q", test.name, answer.status, origin, methods, test.status, test.origin, test.methods)
		}
	}
	unchanged := fetch(t, exact(t), "GET", s.URL+jwksPath, "Origin", "https://spa.example.com", "If-None-Match", "*")
	if unchanged.status != http.StatusNotModified || unchanged.header.Get("Access-Control-Allow-Origin") != "*" || unchanged.header.Get("Access-Control-Expose-Headers") != "ETag" {
		t.Errorf("a 304 has the headers %v", unchanged.header)
	}
}
