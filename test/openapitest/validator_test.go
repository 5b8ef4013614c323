package openapitest_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"

	"authserver/test/openapitest"
)

// recorder is a test that records its failures.
type recorder struct {
	testing.TB
	mu       sync.Mutex
	failures []string
}

func (r *recorder) Errorf(format string, args ...any) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.failures = append(r.failures, fmt.Sprintf(format, args...))
}

// answer is the answer of the server under test to every request.
type answer struct {
	status int
	header string // "Name: value" lines
	body   string
}

func (a answer) ServeHTTP(w http.ResponseWriter, _ *http.Request) {
	w.Header()["Content-Type"] = nil // so that net/http does not guess one
	for line := range strings.Lines(a.header) {
		name, value, _ := strings.Cut(strings.TrimSpace(line), ": ")
		w.Header().Set(name, value)
	}
	w.WriteHeader(a.status)
	_, _ = w.Write([]byte(a.body)) // a HEAD has no body
}

const (
	tokenHeader  = "Content-Type: application/json\nX-Request-Id: 1\nCache-Control: no-store\nPragma: no-cache\n"
	errorHeader  = "Content-Type: application/json\nX-Request-Id: 1\nCache-Control: no-store\n"
	cachedHeader = "X-Request-Id: 1\nCache-Control: public, max-age=300\n"
	pageHeader   = "Access-Control-Allow-Origin: *\n"
	jwksHeader   = cachedHeader + pageHeader + "ETag: \"a\"\nAccess-Control-Expose-Headers: ETag\n"
	preflight    = "X-Request-Id: 1\nAllow: GET, HEAD, OPTIONS\n" + pageHeader +
		"Access-Control-Allow-Methods: GET, HEAD\nAccess-Control-Allow-Headers: If-None-Match\nAccess-Control-Max-Age: 86400\n"
	jwksType = "Content-Type: application/jwk-set+json\n"
	token    = `{"access_token":"a.b.c","token_type":"Bearer","expires_in":900,"scope":"read"}`
	key      = `{"kty":"EC","kid":"1","use":"sig","alg":"ES256","crv":"P-256","x":"a","y":"b"}`
	active   = `{"active":true,"token_type":"Bearer","client_id":"c","sub":"c","iss":"http://i","aud":["a","b"],"scope":"","iat":1,"nbf":1,"exp":2,"jti":"j","tenant":{"id":7}}`
)

func failure(code string) string {
	return fmt.Sprintf(`{"error":%q,"error_description":"say why","request_id":"1"}`, code)
}

var clientCredentials = url.Values{"grant_type": {"client_credentials"}, "resource": {"https://a.example", "https://b.example"}}

func send(t *testing.T, client *http.Client, method, target string, form url.Values) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, target, strings.NewReader(form.Encode()))
	if err != nil {
		t.Fatal(err)
	}
	if form == nil {
		r.Body = http.NoBody
	} else {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	res, err := client.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	if err := res.Body.Close(); err != nil {
		t.Fatal(err)
	}
}

// check requires the failures of one exchange to contain a text; "" expects none.
func check(t *testing.T, r *recorder, want string) {
	t.Helper()
	got := strings.Join(r.failures, "\n")
	switch {
	case want == "" && got != "":
		t.Errorf("it should pass, but: %s", got)
	case want != "" && len(r.failures) != 1:
		t.Errorf("%d failures instead of one that says %q: %s", len(r.failures), want, got)
	case !strings.Contains(got, want):
		t.Errorf("the failure does not say %q: %s", want, got)
	}
}

func TestAnswers(t *testing.T) {
	reference := url.Values{"token": {"t"}}
	for _, c := range []struct {
		name   string
		method string
		path   string
		form   url.Values
		answer answer
		want   string
	}{
		{"a token answer passes", "POST", "/oauth2/token", clientCredentials, answer{200, tokenHeader, token}, ""},
		{"a token answer passes under the alias", "POST", "/token", clientCredentials, answer{200, tokenHeader, token}, ""},
		{"a charset beside the content type passes", "POST", "/token", clientCredentials, answer{200, strings.Replace(tokenHeader, "json", "json; charset=utf-8", 1), token}, ""},
		{"an undocumented status is found", "POST", "/oauth2/token", clientCredentials, answer{418, errorHeader, failure("invalid_request")}, "status 418 is not documented"},
		{"a missing member is found", "POST", "/oauth2/token", clientCredentials, answer{200, tokenHeader, `{"access_token":"a.b.c","token_type":"Bearer","expires_in":900}`}, "scope"},
		{"a member too many is found", "POST", "/oauth2/token", clientCredentials, answer{200, tokenHeader, strings.Replace(token, "{", `{"id":"x",`, 1)}, "id"},
		{"another token type is found", "POST", "/oauth2/token", clientCredentials, answer{200, tokenHeader, strings.Replace(token, "Bearer", "bearer", 1)}, "token_type"},
		{"a lifetime in a string is found", "POST", "/oauth2/token", clientCredentials, answer{200, tokenHeader, strings.Replace(token, "900", `"900"`, 1)}, "expires_in"},
		{"another content type is found", "POST", "/oauth2/token", clientCredentials, answer{200, strings.Replace(tokenHeader, "application/json", "text/plain", 1), token}, `content type "text/plain"`},
		{"a missing content type is found", "POST", "/oauth2/token", clientCredentials, answer{200, strings.Replace(tokenHeader, "Content-Type: application/json\n", "", 1), token}, `content type ""`},
		{"a body that is not JSON is found", "POST", "/oauth2/token", clientCredentials, answer{200, tokenHeader, "<html>"}, "decode"},
		{"a missing body is found", "POST", "/oauth2/token", clientCredentials, answer{200, tokenHeader, ""}, "has none"},
		{"a token that may be cached is found", "POST", "/oauth2/token", clientCredentials, answer{200, strings.Replace(tokenHeader, "no-store", "private", 1), token}, "Cache-Control"},
		{"a missing Pragma is found", "POST", "/oauth2/token", clientCredentials, answer{200, errorHeader, token}, "Pragma"},
		{"a missing request id is found", "POST", "/oauth2/token", clientCredentials, answer{200, strings.Replace(tokenHeader, "X-Request-Id: 1\n", "", 1), token}, "X-Request-Id"},

		{"a refusal passes", "POST", "/oauth2/token", clientCredentials, answer{400, errorHeader, failure("invalid_scope")}, ""},
		{"an error code of another status is found", "POST", "/oauth2/token", clientCredentials, answer{400, errorHeader, failure("server_error")}, "error"},
		{"an error code that no RFC has is found", "POST", "/oauth2/token", clientCredentials, answer{400, errorHeader, failure("oops")}, "error"},
		{"a description outside the RFC's characters is found", "POST", "/oauth2/token", clientCredentials, answer{400, errorHeader, strings.Replace(failure("invalid_scope"), "say why", `say \"why\"`, 1)}, "error_description"},
		{"an error without a request id is found", "POST", "/oauth2/token", clientCredentials, answer{400, errorHeader, `{"error":"invalid_scope","error_description":"no"}`}, "request_id"},
		{"a request id that is not the header's is found", "POST", "/oauth2/token", clientCredentials, answer{400, errorHeader, strings.Replace(failure("invalid_scope"), `"1"`, `"2"`, 1)}, "request_id is"},
		{"a challenge passes", "POST", "/oauth2/token", clientCredentials, answer{401, errorHeader + "WWW-Authenticate: Basic realm=\"authserver\"\n", failure("invalid_client")}, ""},
		{"a 401 without a challenge is found", "POST", "/oauth2/token", clientCredentials, answer{401, errorHeader, failure("invalid_client")}, "WWW-Authenticate"},
		{"a 503 with Retry-After passes", "POST", "/oauth2/token", clientCredentials, answer{503, errorHeader + "Retry-After: 1\n", failure("temporarily_unavailable")}, ""},
		{"a 503 without Retry-After is found", "POST", "/oauth2/token", clientCredentials, answer{503, errorHeader, failure("temporarily_unavailable")}, "Retry-After"},

		{"an active token passes, with custom claims", "POST", "/oauth2/introspect", reference, answer{200, errorHeader, active}, ""},
		{"an active refresh token passes", "POST", "/oauth2/introspect", reference, answer{200, errorHeader, `{"active":true,"client_id":"c","sub":"s","iss":"http://i","scope":"a","iat":1,"exp":2}`}, ""},
		{"a token that is not active passes", "POST", "/oauth2/introspect", reference, answer{200, errorHeader, `{"active":false}`}, ""},
		{"a token that is not active and tells more is found", "POST", "/oauth2/introspect", reference, answer{200, errorHeader, `{"active":false,"sub":"s"}`}, "doesn't match"},
		{"an array of one audience is found", "POST", "/oauth2/introspect", reference, answer{200, errorHeader, strings.Replace(active, `["a","b"]`, `["a"]`, 1)}, "doesn't match"},
		{"a revocation passes", "POST", "/oauth2/revoke", reference, answer{200, errorHeader, "{}"}, ""},
		{"a revocation that says something is found", "POST", "/oauth2/revoke", reference, answer{200, errorHeader, `{"active":false}`}, "doesn't match"},

		{"a key set passes", "GET", "/.well-known/jwks.json", nil, answer{200, jwksHeader + jwksType, `{"keys":[` + key + `]}`}, ""},
		{"an empty key set is found", "GET", "/.well-known/jwks.json", nil, answer{200, jwksHeader + jwksType, `{"keys":[]}`}, "keys"},
		{"a private key is found", "GET", "/.well-known/jwks.json", nil, answer{200, jwksHeader + jwksType, `{"keys":[` + strings.Replace(key, "{", `{"d":"x",`, 1) + `]}`}, "doesn't match"},
		{"a weak ETag is found", "GET", "/.well-known/jwks.json", nil, answer{200, strings.Replace(jwksHeader, `"a"`, `W/"a"`, 1) + jwksType, `{"keys":[` + key + `]}`}, "ETag"},
		{"a key set that may be served stale for no time is found", "GET", "/.well-known/jwks.json", nil, answer{200, strings.Replace(jwksHeader, "=300", "=300, stale-while-revalidate=0", 1) + jwksType, `{"keys":[` + key + `]}`}, "Cache-Control"},
		{"a key set that pages cannot read is found", "GET", "/.well-known/jwks.json", nil, answer{200, strings.Replace(jwksHeader, pageHeader, "", 1) + jwksType, `{"keys":[` + key + `]}`}, "Access-Control-Allow-Origin"},
		{"a preflight passes", "OPTIONS", "/.well-known/jwks.json", nil, answer{204, preflight, ""}, ""},
		{"a preflight that allows no condition is found", "OPTIONS", "/.well-known/jwks.json", nil, answer{204, strings.Replace(preflight, "If-None-Match", "", 1), ""}, "Access-Control-Allow-Headers"},
		{"a 304 passes", "GET", "/.well-known/jwks.json", nil, answer{304, jwksHeader, ""}, ""},
		{"a 304 without an ETag is found", "GET", "/.well-known/jwks.json", nil, answer{304, strings.Replace(jwksHeader, "ETag: \"a\"\n", "", 1), ""}, "missing"},
		{"a HEAD passes", "HEAD", "/.well-known/jwks.json", nil, answer{200, jwksHeader + jwksType, ""}, ""},
		{"a HEAD without an ETag is found", "HEAD", "/.well-known/jwks.json", nil, answer{200, jwksType + strings.Replace(jwksHeader, "ETag: \"a\"\n", "", 1), ""}, "missing"},
		{"a HEAD of another content type is found", "HEAD", "/.well-known/jwks.json", nil, answer{200, jwksHeader + "Content-Type: text/html\n", ""}, "content type"},
		{"the document itself passes", "GET", "/openapi.yaml", nil, answer{200, cachedHeader + "Content-Type: application/yaml\n", "openapi: 3.1.0\ninfo: {}\npaths: {}\n"}, ""},
		{"not ready passes", "GET", "/readyz", nil, answer{503, errorHeader + "Retry-After: 1\n", `{"status":"not ready","checks":{"draining":"failed"}}`}, ""},
		{"a HEAD is the GET where the document has no other", "HEAD", "/readyz", nil, answer{503, errorHeader + "Retry-After: 1\n", ""}, ""},
		{"ready with a check that failed is found", "GET", "/readyz", nil, answer{200, errorHeader, `{"status":"ready","checks":{"database":"failed","signing_keys":"ok"}}`}, "checks"},
	} {
		t.Run(c.name, func(t *testing.T) {
			server := httptest.NewServer(c.answer)
			defer server.Close()
			r := &recorder{TB: t}
			send(t, openapitest.New(r).Client(server.Client()), c.method, server.URL+c.path, c.form)
			check(t, r, c.want)
		})
	}
}

func TestRequests(t *testing.T) {
	for _, c := range []struct {
		name string
		path string
		form url.Values
		want string
	}{
		{"a request with two resources passes", "/oauth2/token", clientCredentials, ""},
		{"a request with one resource passes", "/oauth2/token", url.Values{"grant_type": {"client_credentials"}, "resource": {"https://a.example"}}, ""},
		{"every parameter of the password grant passes", "/oauth2/token", url.Values{"grant_type": {"password"}, "username": {"u"}, "password": {"p"}, "scope": {"a b"}, "client_id": {"c"}, "client_secret": {"s"}}, ""},
		{"an unknown parameter passes", "/oauth2/token", url.Values{"grant_type": {"client_credentials"}, "audience": {"a"}}, ""},
		{"a missing grant type is found", "/oauth2/token", url.Values{"scope": {"a"}}, "doesn't match"},
		{"an unknown grant type is found", "/oauth2/token", url.Values{"grant_type": {"implicit"}}, "doesn't match"},
		{"a grant without its parameter is found", "/oauth2/token", url.Values{"grant_type": {"refresh_token"}}, "doesn't match"},
		{"a scope with a quote is found", "/oauth2/token", url.Values{"grant_type": {"client_credentials"}, "scope": {`a"b`}}, "doesn't match"},
		{"a missing token is found", "/oauth2/revoke", url.Values{"token_type_hint": {"refresh_token"}}, "token"},
		{"a missing body is found", "/oauth2/introspect", url.Values{}, "required"},
	} {
		t.Run(c.name, func(t *testing.T) {
			var got url.Values
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if err := r.ParseForm(); err != nil {
					t.Error(err)
				}
				got = r.PostForm
				answer{503, errorHeader + "Retry-After: 1\n", failure("temporarily_unavailable")}.ServeHTTP(w, r)
			}))
			defer server.Close()
			r := &recorder{TB: t}
			send(t, openapitest.New(r).Client(nil), http.MethodPost, server.URL+c.path, c.form)
			check(t, r, c.want)
			if got.Encode() != c.form.Encode() {
				t.Errorf("the server got %q instead of %q", got.Encode(), c.form.Encode())
			}
		})
	}
}

func TestWhatTheDocumentDoesNotHave(t *testing.T) {
	allow := func(methods string) string { return errorHeader + "Allow: " + methods + "\n" }
	for _, c := range []struct {
		name   string
		method string
		path   string
		answer answer
		want   string
	}{
		{"an unknown path passes with 404", "GET", "/authorize", answer{404, errorHeader, failure("invalid_request")}, ""},
		{"an unknown path that is served is found", "GET", "/authorize", answer{200, tokenHeader, token}, "status 200 is not documented"},
		{"a 404 in plain text is found", "GET", "/authorize", answer{404, strings.Replace(errorHeader, "application/json", "text/plain", 1), "404 page not found"}, "content type"},
		{"another method passes with 405", "GET", "/oauth2/token", answer{405, allow("OPTIONS, POST"), failure("invalid_request")}, ""},
		{"a 405 without Allow is found", "GET", "/oauth2/token", answer{405, errorHeader, failure("invalid_request")}, "leaves out"},
		{"a 405 that leaves a method out is found", "POST", "/.well-known/jwks.json", answer{405, allow("GET, OPTIONS"), failure("invalid_request")}, "leaves out HEAD"},
		{"another method that is served is found", "PUT", "/oauth2/token", answer{200, tokenHeader, token}, "status 200 is not documented"},
	} {
		t.Run(c.name, func(t *testing.T) {
			server := httptest.NewServer(c.answer)
			defer server.Close()
			r := &recorder{TB: t}
			send(t, openapitest.New(r).HostileClient(server.Client()), c.method, server.URL+c.path, nil)
			check(t, r, c.want)
		})
	}
	t.Run("a request to an unknown path is found unless it is hostile", func(t *testing.T) {
		r := &recorder{TB: t}
		request := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/authorize", nil)
		if err := openapitest.New(r).CheckRequest(request, nil); err == nil || !strings.Contains(err.Error(), "no GET /authorize") {
			t.Errorf("it says %v", err)
		}
	})
}

func TestManyAtOnce(t *testing.T) {
	server := httptest.NewServer(answer{200, tokenHeader, token})
	defer server.Close()
	client := openapitest.New(t).Client(server.Client())
	var all sync.WaitGroup
	for range 16 {
		all.Go(func() {
			for range 8 {
				res, err := client.PostForm(server.URL+"/oauth2/token", clientCredentials)
				if err != nil {
					t.Error(err)
					return
				}
				if err := res.Body.Close(); err != nil {
					t.Error(err)
				}
			}
		})
	}
	all.Wait()
}
