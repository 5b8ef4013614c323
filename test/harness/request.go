package harness

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/lestrrat-go/jwx/v2/jwk"
	"github.com/lestrrat-go/jwx/v2/jwt"

	"authserver/test/openapitest"
)

// Answer is an answer to a request, read completely.
type Answer struct {
	Status int
	Header http.Header
	Raw    []byte
	Body   map[string]any // nil if the body is not a JSON object
}

// Text returns a member of the answer that is a string, or "".
func (a Answer) Text(member string) string {
	s, _ := a.Body[member].(string)
	return s
}

// Client sends the requests of the tests. It follows no redirect and waits long enough for a server
// that runs under the race detector.
var Client = &http.Client{Timeout: 30 * time.Second, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}

// Do sends a request, reads the answer, and checks both against api/openapi.yaml: the answer
// always, and the request if the server accepted it. A benchmark does without these checks.
func Do(t testing.TB, request *http.Request) Answer {
	t.Helper()
	var sent []byte
	if request.Body != nil {
		var err error
		if sent, err = io.ReadAll(request.Body); err != nil {
			t.Fatal(err)
		}
		request.Body = io.NopCloser(bytes.NewReader(sent))
	}
	response, err := Client.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	raw, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	answer := Answer{Status: response.StatusCode, Header: response.Header, Raw: raw}
	if json.Unmarshal(raw, &answer.Body) != nil {
		answer.Body = nil
	}
	if _, bench := t.(*testing.B); !bench && !ofOps(request.URL.Path, response.StatusCode) {
		checkDocument(t, request, response, sent, raw)
	}
	return answer
}

// ofOps reports whether only the ops listener, which the document does not describe, can have sent
// this answer.
func ofOps(path string, status int) bool {
	return status == http.StatusOK && (path == "/metrics" || strings.HasPrefix(path, "/debug/"))
}

var document struct {
	sync.Once
	*openapitest.Validator
}

func checkDocument(t testing.TB, request *http.Request, response *http.Response, sent, received []byte) {
	t.Helper()
	document.Do(func() { document.Validator = openapitest.New(t) })
	if err := document.CheckAnswer(request, response, received); err != nil {
		t.Errorf("the answer %d to %s %s is not what api/openapi.yaml says: %v", response.StatusCode, request.Method, request.URL.Path, err)
	}
	if response.StatusCode >= http.StatusBadRequest {
		return
	}
	if err := document.CheckRequest(request, sent); err != nil {
		t.Errorf("the request %s %s was accepted and is not what api/openapi.yaml says: %v", request.Method, request.URL.Path, err)
	}
}

// Get fetches a URL.
func Get(t testing.TB, target string) Answer {
	t.Helper()
	request, err := http.NewRequest(http.MethodGet, target, nil)
	if err != nil {
		t.Fatal(err)
	}
	return Do(t, request)
}

// Credentials are a client's identifier and secret; the zero value is none.
type Credentials struct{ ID, Secret string }

// Post sends a form to an endpoint, with the credentials as HTTP Basic. A value that is a list is
// repeated.
func (s *Server) Post(t testing.TB, path string, who Credentials, form url.Values) Answer {
	t.Helper()
	request, err := http.NewRequest(http.MethodPost, s.URL+path, strings.NewReader(form.Encode()))
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	if who.Secret != "" {
		basic := url.QueryEscape(who.ID) + ":" + url.QueryEscape(who.Secret)
		request.Header.Set("Authorization", "Basic "+base64.StdEncoding.EncodeToString([]byte(basic)))
	} else if who.ID != "" {
		form.Set("client_id", who.ID)
		return s.Post(t, path, Credentials{}, form)
	}
	return Do(t, request)
}

// Token sends a token request.
func (s *Server) Token(t testing.TB, who Credentials, form url.Values) Answer {
	t.Helper()
	return s.Post(t, "/oauth2/token", who, form)
}

// MustToken sends a token request that must succeed.
func (s *Server) MustToken(t testing.TB, who Credentials, form url.Values) Answer {
	t.Helper()
	answer := s.Token(t, who, form)
	if answer.Status != http.StatusOK {
		t.Fatalf("%s was refused: %d %s\n%s", form.Get("grant_type"), answer.Status, answer.Raw, s.Logs())
	}
	return answer
}

// Active introspects a token and reports whether it is active.
func (s *Server) Active(t testing.TB, who Credentials, token string) bool {
	t.Helper()
	answer := s.Post(t, "/oauth2/introspect", who, url.Values{"token": {token}})
	if answer.Status != http.StatusOK {
		t.Fatalf("introspection answered %d %s", answer.Status, answer.Raw)
	}
	return answer.Body["active"] == true
}

// Verify verifies an access token as a resource server does, with only the JWKS.
func (s *Server) Verify(t testing.TB, token, audience string) jwt.Token {
	t.Helper()
	set, err := jwk.Fetch(t.Context(), s.URL+"/.well-known/jwks.json")
	if err != nil {
		t.Fatal(err)
	}
	verified, err := jwt.Parse([]byte(token), jwt.WithKeySet(set), jwt.WithIssuer(Issuer), jwt.WithAudience(audience))
	if err != nil {
		t.Fatalf("the token does not verify: %v", err)
	}
	return verified
}

// Eventually waits until a condition is true, for as long as it is promised to take. The last check
// begins when that time is over, because an earlier check proves nothing, however long it takes.
func Eventually(t testing.TB, within time.Duration, what string, condition func() bool) {
	t.Helper()
	deadline := time.Now().Add(within)
	for {
		over := time.Now().After(deadline)
		if condition() {
			return
		}
		if over {
			t.Fatalf("not within %s: %s", within, what)
		}
		time.Sleep(20 * time.Millisecond)
	}
}
