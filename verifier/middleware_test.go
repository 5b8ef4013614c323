package verifier_test

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"authserver/internal/jose"
	"authserver/internal/testkit"
	"authserver/verifier"
)

const base = "https://api.example.com"

// call sends a request through the middleware.
func call(v *verifier.Verifier, need verifier.Requirements, change func(*http.Request)) *httptest.ResponseRecorder {
	r := httptest.NewRequest(http.MethodGet, base+"/orders", nil)
	r.TLS = nil
	change(r)
	answer := httptest.NewRecorder()
	v.Middleware(need)(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		token, ok := verifier.FromContext(r.Context())
		_, _ = fmt.Fprint(w, token.Subject, ok)
	})).ServeHTTP(answer, r)
	return answer
}

func bearing(token string) func(*http.Request) {
	return func(r *http.Request) { r.Header.Set("Authorization", "Bearer "+token) }
}

// RFC 6750 §3.
func TestChallenges(t *testing.T) {
	i := newIssuer(t)
	v := i.verifier(nil)
	good := i.token(nil)
	for _, test := range []struct {
		name   string
		need   verifier.Requirements
		send   func(*http.Request)
		status int
		want   []string
		not    string
	}{
		{"a good token", verifier.Requirements{Scopes: []string{"read"}, Roles: []string{"admin"}, Permissions: []string{"orders:read"}}, bearing(good), 200, nil, ""},
		{"the scheme in another case", verifier.Requirements{}, func(r *http.Request) { r.Header.Set("Authorization", "bearer "+good) }, 200, nil, ""},
		{"no token: no error code", verifier.Requirements{}, func(*http.Request) {}, 401, []string{`Bearer realm=`, `DPoP realm=`, `algs=`}, "error="},
		{"a token in the query is none", verifier.Requirements{}, func(r *http.Request) { r.URL.RawQuery = "access_token=" + good }, 401, nil, "error="},
		{"another scheme", verifier.Requirements{}, func(r *http.Request) { r.SetBasicAuth("a", "b") }, 401, nil, "error="},
		{"two headers", verifier.Requirements{}, func(r *http.Request) { r.Header["Authorization"] = []string{"Bearer " + good, "Bearer " + good} }, 400, []string{`error="invalid_request"`}, ""},
		{"a bad token", verifier.Requirements{}, bearing(good + "x"), 401, []string{`error="invalid_token"`}, good[:20]},
		{"a scope that is missing", verifier.Requirements{Scopes: []string{"read", "delete"}}, bearing(good), 403, []string{`error="insufficient_scope"`, `scope="read delete"`}, ""},
		{"a role that is missing", verifier.Requirements{Roles: []string{"root"}}, bearing(good), 403, []string{`error="insufficient_scope"`}, ""},
		{"a permission that is missing", verifier.Requirements{Permissions: []string{"orders:write"}}, bearing(good), 403, []string{`error="insufficient_scope"`}, ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			answer := call(v, test.need, test.send)
			challenge := strings.Join(answer.Header().Values("WWW-Authenticate"), "\n")
			if answer.Code != test.status || test.not != "" && strings.Contains(challenge, test.not) {
				t.Errorf("answered %d, %s", answer.Code, challenge)
			}
			for _, want := range test.want {
				if !strings.Contains(challenge, want) {
					t.Errorf("the challenge is %s, want %s in it", challenge, want)
				}
			}
			if test.status == 200 && answer.Body.String() != "alicetrue" {
				t.Errorf("the handler saw %s", answer.Body)
			}
		})
	}
}

// The identifier of an API, and so the realm, is any printable text without spaces.
func TestTheRealmOfAnAPIOfAnyName(t *testing.T) {
	for audience, realm := range map[string]string{
		"rabbitmq":      `Bearer realm="rabbitmq"`,
		`a"b\c`:         `Bearer realm="a\"b\\c"`,
		"bücher/本":      `Bearer realm="b%C3%BCcher/%E6%9C%AC"`,
		"urn:app:50%'<": `Bearer realm="urn:app:50%'<"`,
	} {
		v, err := verifier.New("https://auth.example.com", audience, verifier.Options{NoDPoP: true})
		if err != nil {
			t.Fatal(err)
		}
		answer := call(v, verifier.Requirements{}, func(*http.Request) {})
		if got := answer.Header().Get("WWW-Authenticate"); answer.Code != 401 || got != realm {
			t.Errorf("of %q the challenge is %s, want %s", audience, got, realm)
		}
		v.Close()
	}
}

func TestNoKeysAreNoRefusal(t *testing.T) {
	i := newIssuer(t)
	i.change(func() { i.down = true })
	if answer := call(i.verifier(nil), verifier.Requirements{}, bearing(i.token(nil))); answer.Code != 503 || answer.Header().Get("Retry-After") == "" {
		t.Errorf("answered %d, %v", answer.Code, answer.Header())
	}
}

// RFC 8705 §3: a token that is bound to a certificate.
func TestCertificateBinding(t *testing.T) {
	i := newIssuer(t)
	v := i.verifier(nil)
	certificate := func() *x509.Certificate {
		return testkit.SelfSigned(t, x509.Certificate{NotBefore: time.Now(), NotAfter: time.Now().Add(time.Hour)}, testkit.P256(t))
	}
	own, other := certificate(), certificate()
	bound := i.token(map[string]any{"cnf": map[string]any{"x5t#S256": jose.Thumbprint256(own.Raw)}})
	for name, test := range map[string]struct {
		presented []*x509.Certificate
		status    int
	}{"its certificate": {[]*x509.Certificate{own}, 200}, "another": {[]*x509.Certificate{other}, 401}, "none": {nil, 401}} {
		answer := call(v, verifier.Requirements{}, func(r *http.Request) {
			bearing(bound)(r)
			r.TLS = &tls.ConnectionState{PeerCertificates: test.presented}
		})
		if answer.Code != test.status {
			t.Errorf("with %s: %d, want %d", name, answer.Code, test.status)
		}
	}
	if answer := call(v, verifier.Requirements{}, bearing(bound)); answer.Code != 401 {
		t.Errorf("without TLS: %d", answer.Code)
	}
	if answer := call(v, verifier.Requirements{}, bearing(i.token(map[string]any{"cnf": map[string]any{"kid": "x"}}))); answer.Code != 401 {
		t.Errorf("bound in a way that is not known: %d", answer.Code)
	}
}
