package blackbox

import (
	"bytes"
	"io"
	"net/http"
	"slices"
	"strconv"
	"testing"

	"authserver/test/harness"
	"authserver/test/openapitest"
)

const jwksPath = "/.well-known/jwks.json"

// wholeSet waits until the next keys exist, so that the set does not change, and returns it.
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

// exact is a client that returns every body as it came over the wire, and checks answers against
// api/openapi.yaml.
func exact(t *testing.T) *http.Client {
	transport := &http.Transport{DisableCompression: true}
	t.Cleanup(transport.CloseIdleConnections)
	return openapitest.New(t).HostileClient(&http.Client{Transport: transport, Timeout: harness.Client.Timeout})
}

// received is an answer as it came, read completely.
type received struct {
	status int
	header http.Header
	body   []byte
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
	return received{response.StatusCode, response.Header, body}
}

// The key set supports the headers by which verifiers save work.
func TestJWKSOverHTTP(t *testing.T) {
	t.Parallel()
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
		if answer.status != test.status || answer.header.Get("ETag") != tag {
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

// Every replica serves the same bytes with the same tag, whatever codings the caller accepts.
func TestReplicasServeTheSameKeySet(t *testing.T) {
	t.Parallel()
	harness.OnBoth(t, func(t *testing.T, d *harness.Deployment) {
		one, other := d.Start().URL+jwksPath, d.Start().URL+jwksPath
		client := exact(t)
		var first received
		harness.Eventually(t, prepared, "both replicas know the keys that are prepared", func() bool {
			first = fetch(t, client, http.MethodGet, one)
			return bytes.Count(first.body, []byte(`"kid"`)) == freshKeys && bytes.Equal(first.body, fetch(t, client, http.MethodGet, other).body)
		})
		tag := first.header.Get("ETag")
		for _, target := range []string{one, other} {
			for _, codings := range []string{"identity", "gzip, br", "*", "identity;q=0"} {
				got := fetch(t, client, http.MethodGet, target, "Accept-Encoding", codings)
				if !bytes.Equal(got.body, first.body) || got.header.Get("ETag") != tag || got.header.Get("Content-Encoding") != "" {
					t.Errorf("%q is answered with %d bytes and the headers %v", codings, len(got.body), got.header)
				}
			}
			if unchanged := fetch(t, client, http.MethodGet, target, "If-None-Match", tag); unchanged.status != http.StatusNotModified {
				t.Errorf("a replica does not know the tag: %d", unchanged.status)
			}
		}
	})
}

// A page of any origin may read the key set and the metadata, and nothing else.
func TestPagesReadWhatIsPublic(t *testing.T) {
	t.Parallel()
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
		{"a preflight for the token endpoint of no app", "OPTIONS", token, http.StatusNoContent, "", ""},
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
