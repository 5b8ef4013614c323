package blackbox

import (
	"bytes"
	"encoding/base64"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/lestrrat-go/jwx/v2/jwa"

	"authserver/test/harness"
)

// bad is a request that must be refused, and its answer.
type bad struct {
	name   string
	status int
	code   string
	send   func(t *testing.T, s *harness.Server) harness.Answer
}

// Every bad request gets its exact status and code, and the server continues.
func TestBadRequests(t *testing.T) {
	t.Parallel()
	harness.OnBoth(t, func(t *testing.T, d *harness.Deployment) {
		f := register(t, d)
		s := f.Start()
		table := f.malformed()
		table = append(table, f.badClients()...)
		table = append(table, f.badGrants()...)
		table = append(table, f.badAssertions(t)...)
		if len(table) < 60 {
			t.Errorf("only %d bad requests", len(table))
		}
		for _, request := range table {
			t.Run(request.name, func(t *testing.T) {
				wantError(t, request.send(t, s), request.status, request.code)
			})
		}
		s.MustToken(t, f.batch, clientCredentials())
		s.MustToken(t, f.web, login())
		if answer := harness.Get(t, s.URL+"/readyz"); answer.Status != http.StatusOK {
			t.Errorf("after all this the server is not ready: %s", answer.Raw)
		}
	})
}

// raw sends any body with any header.
func raw(method, path string, body io.Reader, header ...string) func(*testing.T, *harness.Server) harness.Answer {
	return func(t *testing.T, s *harness.Server) harness.Answer {
		t.Helper()
		if seeker, ok := body.(io.Seeker); ok {
			if _, err := seeker.Seek(0, io.SeekStart); err != nil {
				t.Fatal(err)
			}
		}
		request, err := http.NewRequest(method, s.URL+path, body)
		if err != nil {
			t.Fatal(err)
		}
		for i := 0; i+1 < len(header); i += 2 {
			request.Header.Add(header[i], header[i+1])
		}
		return harness.Do(t, request)
	}
}

const formType = "application/x-www-form-urlencoded"

func post(body string, header ...string) func(*testing.T, *harness.Server) harness.Answer {
	return raw(http.MethodPost, "/oauth2/token", strings.NewReader(body), append([]string{"Content-Type", formType}, header...)...)
}

func ask(who harness.Credentials, values url.Values) func(*testing.T, *harness.Server) harness.Answer {
	return func(t *testing.T, s *harness.Server) harness.Answer { return s.Token(t, who, values) }
}

func basic(id, secret string) string {
	return "Basic " + base64.StdEncoding.EncodeToString([]byte(id+":"+secret))
}

func (f *fixture) malformed() []bad {
	me := "&client_id=batch&client_secret=" + f.batch.Secret
	const invalid = "invalid_request"
	return []bad{
		{"GET is not for tokens", 405, invalid, raw(http.MethodGet, "/oauth2/token", nil)},
		{"PUT is not for tokens", 405, invalid, raw(http.MethodPut, "/oauth2/token", nil)},
		{"no such endpoint", 404, invalid, raw(http.MethodGet, "/oauth2/tokens", nil)},
		{"a JSON body", 400, invalid, raw(http.MethodPost, "/oauth2/token", strings.NewReader(`{"grant_type":"client_credentials"}`), "Content-Type", "application/json")},
		{"no content type", 400, invalid, raw(http.MethodPost, "/oauth2/token", strings.NewReader("grant_type=client_credentials"+me))},
		{"a multipart body", 400, invalid, raw(http.MethodPost, "/oauth2/token", strings.NewReader("--x--"), "Content-Type", "multipart/form-data; boundary=x")},
		{"a charset without ASCII", 400, invalid, raw(http.MethodPost, "/oauth2/token", strings.NewReader("grant_type=client_credentials"+me), "Content-Type", formType+"; charset=utf-16")},
		{"more than ASCII in another charset", 400, invalid, raw(http.MethodPost, "/oauth2/token", strings.NewReader("grant_type=client_credentials&x=%e4"+me), "Content-Type", formType+"; charset=windows-1251")},
		{"a compressed body", 400, invalid, post("grant_type=client_credentials"+me, "Content-Encoding", "gzip")},
		{"an oversized body", 413, invalid, raw(http.MethodPost, "/oauth2/token", bytes.NewReader(bytes.Repeat([]byte("a"), 65<<10)), "Content-Type", formType)},
		{"too many parameters", 400, invalid, post("grant_type=client_credentials" + me + strings.Repeat("&x=y", 60))},
		{"an empty body", 400, invalid, post("", "Authorization", basic(f.batch.ID, f.batch.Secret))},
		{"no grant_type", 400, invalid, post("scope=read" + me)},
		{"an empty grant_type", 400, invalid, post("grant_type=" + me)},
		{"an unknown grant_type", 400, "unsupported_grant_type", post("grant_type=telepathy" + me)},
		{"a grant of a later time", 400, "unsupported_grant_type", post("grant_type=device_code&device_code=x" + me)},
		{"a grant_type in upper case", 400, "unsupported_grant_type", post("grant_type=CLIENT_CREDENTIALS" + me)},
		{"a repeated grant_type", 400, invalid, post("grant_type=client_credentials&grant_type=password" + me)},
		{"a repeated scope", 400, invalid, post("grant_type=client_credentials&scope=read&scope=write" + me)},
		{"a repeated unknown parameter", 400, invalid, post("grant_type=client_credentials&x=1&x=1" + me)},
		{"a bracketed scope", 400, invalid, post("grant_type=client_credentials&scope[0]=read" + me)},
		{"a NUL", 400, invalid, post("grant_type=client_credentials&x=%00" + me)},
		{"invalid UTF-8", 400, invalid, post("grant_type=client_credentials&x=%ff%fe" + me)},
		{"raw invalid UTF-8", 400, invalid, post("grant_type=client_credentials&x=\xff" + me)},
		{"a broken escape", 400, invalid, post("grant_type=client_credentials&x=%4" + me)},
		{"a secret in the URL in another spelling", 400, invalid, raw(http.MethodPost, "/oauth2/token?a=%zz;CLIENT%5fSECRET=x", strings.NewReader("grant_type=client_credentials"+me), "Content-Type", formType)},
		{"a secret in the URL", 400, invalid, raw(http.MethodPost, "/oauth2/token?client_secret=x", strings.NewReader("grant_type=client_credentials"+me), "Content-Type", formType)},
	}
}

func (f *fixture) badClients() []bad {
	const grant = "grant_type=client_credentials"
	const invalid = "invalid_client"
	proof := basic(f.batch.ID, f.batch.Secret)
	return []bad{
		{"no client", 401, invalid, post(grant)},
		{"an unknown client", 401, invalid, post(grant, "Authorization", basic("unknown", "secret"))},
		{"a wrong secret", 401, invalid, post(grant, "Authorization", basic(f.batch.ID, "wrong"))},
		{"a wrong secret that was brought", 401, invalid, post(grant, "Authorization", basic(f.web.ID, "wrong"))},
		{"a wrong secret in the body", 401, invalid, post(grant + "&client_id=batch&client_secret=wrong")},
		{"an empty secret", 401, invalid, post(grant, "Authorization", basic(f.batch.ID, ""))},
		{"a confidential client that only names itself", 401, invalid, post(grant + "&client_id=batch")},
		{"a public client with a secret", 401, invalid, post("grant_type=password&username=alice&password=x&client_id=spa&client_secret=x")},
		{"Basic and body at once", 400, "invalid_request", post(grant+"&client_id=batch&client_secret="+f.batch.Secret, "Authorization", proof)},
		{"Basic and another client_id", 400, "invalid_request", post(grant+"&client_id=web", "Authorization", proof)},
		{"two Authorization headers", 400, "invalid_request", post(grant, "Authorization", proof, "Authorization", proof)},
		{"a secret without a client", 400, "invalid_request", post(grant + "&client_secret=x")},
		{"Basic that is not base64", 401, invalid, post(grant, "Authorization", "Basic ???")},
		{"Basic without a colon", 401, invalid, post(grant, "Authorization", "Basic "+base64.StdEncoding.EncodeToString([]byte("batch")))},
		{"a Bearer scheme", 401, invalid, post(grant, "Authorization", "Bearer "+f.batch.Secret)},
		{"SQL as client_id", 401, invalid, post(grant, "Authorization", basic("' OR '1'='1", "x"))},
		{"a client_id of 10,000 bytes", 401, invalid, post(grant + "&client_id=" + strings.Repeat("a", 10_000))},
	}
}

func (f *fixture) badGrants() []bad {
	const grant = "invalid_grant"
	return []bad{
		{"a grant that the client is not registered for", 400, "unauthorized_client", ask(f.batch, login())},
		{"client_credentials of a public client", 400, "unauthorized_client", ask(f.spa, clientCredentials())},
		{"a scope that the client may not ask for", 400, "invalid_scope", ask(f.batch, clientCredentials("scope", "admin"))},
		{"a scope that the resource does not know", 400, "invalid_scope", ask(f.batch, clientCredentials("scope", "write", "resource", apiES256))},
		{"a malformed scope", 400, "invalid_scope", ask(f.batch, clientCredentials("scope", "read\twrite"))},
		{"a scope with a quotation mark", 400, "invalid_scope", ask(f.batch, clientCredentials("scope", `re"ad`))},
		{"an unknown resource", 400, "invalid_target", ask(f.batch, clientCredentials("resource", "https://unknown.example.com"))},
		{"a resource that the client may not ask for", 400, "invalid_target", ask(f.reader, clientCredentials("resource", apiES256))},
		{"a resource that is no URI", 400, "invalid_target", ask(f.batch, clientCredentials("resource", "api"))},
		{"a resource with a fragment", 400, "invalid_target", ask(f.batch, clientCredentials("resource", apiRS256+"#x"))},
		{"two resources of different algorithms", 400, "invalid_target", ask(f.batch, clientCredentials("resource", apiRS256, "resource", apiES256))},
		{"no username", 400, "invalid_request", ask(f.web, form("grant_type", "password", "password", "x"))},
		{"no password", 400, "invalid_request", ask(f.web, form("grant_type", "password", "username", "alice"))},
		{"a wrong password", 400, grant, ask(f.web, form("grant_type", "password", "username", "alice", "password", "wrong password"))},
		{"an unknown user", 400, grant, ask(f.web, form("grant_type", "password", "username", "mallory", "password", "wrong password"))},
		{"a password of 100 bytes", 400, grant, ask(f.web, form("grant_type", "password", "username", "alice", "password", strings.Repeat("a", 100)))},
		{"a username that RFC 8265 refuses", 400, grant, ask(f.web, form("grant_type", "password", "username", "al ice", "password", "wrong password"))},
		{"no refresh_token", 400, "invalid_request", ask(f.web, form("grant_type", "refresh_token"))},
		{"a made-up refresh token", 400, grant, ask(f.web, refresh("art_made-up"))},
		{"a refresh token of the right length", 400, grant, ask(f.web, refresh("art_"+strings.Repeat("A", 76)))},
		{"an access token as refresh token", 400, grant, func(t *testing.T, s *harness.Server) harness.Answer {
			return s.Token(t, f.web, refresh(s.MustToken(t, f.web, login()).Text("access_token")))
		}},
		{"a refresh token with one character changed", 400, grant, func(t *testing.T, s *harness.Server) harness.Answer {
			token := []byte(s.MustToken(t, f.web, login()).Text("refresh_token"))
			token[20] ^= 1
			return s.Token(t, f.web, refresh(string(token)))
		}},
		{"introspection without a client", 401, "invalid_client", raw(http.MethodPost, "/oauth2/introspect", strings.NewReader("token=x"), "Content-Type", formType)},
		{"introspection by a public client", 401, "invalid_client", func(t *testing.T, s *harness.Server) harness.Answer {
			return s.Post(t, "/oauth2/introspect", f.spa, form("token", "x"))
		}},
		{"introspection of nothing", 400, "invalid_request", func(t *testing.T, s *harness.Server) harness.Answer {
			return s.Post(t, "/oauth2/introspect", f.web, form())
		}},
		{"revocation of nothing", 400, "invalid_request", func(t *testing.T, s *harness.Server) harness.Answer {
			return s.Post(t, "/oauth2/revoke", f.web, form())
		}},
		{"revocation of another client's token", 400, "unauthorized_client", func(t *testing.T, s *harness.Server) harness.Answer {
			return s.Post(t, "/oauth2/revoke", f.batch, form("token", s.MustToken(t, f.web, login()).Text("access_token")))
		}},
	}
}

// badAssertions are faults of grants with an assertion that are not attacks on it: those are in
// TestAttacksOnAssertions.
func (f *fixture) badAssertions(t *testing.T) []bad {
	t.Helper()
	anonymous := harness.Credentials{}
	row := func(name string, assertion func(t *testing.T) string) bad {
		return bad{name, 400, "invalid_grant", func(t *testing.T, s *harness.Server) harness.Answer {
			return s.Token(t, anonymous, bearer(assertion(t)))
		}}
	}
	return []bad{
		{"an assertion that is not there", 400, "invalid_request", ask(anonymous, form("grant_type", jwtBearer))},
		row("an assertion that lives too long", func(t *testing.T) string { return f.byKey(t, claims{"exp": time.Now().Add(25 * time.Hour).Unix()}) }),
		row("an assertion for an unknown subject", func(t *testing.T) string { return f.byKey(t, claims{"sub": "mallory"}) }),
		row("an assertion with an algorithm that the issuer is not registered with", func(t *testing.T) string {
			return sign(t, jwa.PS256, f.rsa, map[string]any{"kid": "rsa-1"}, assertionClaims(rsaIssuer, "alice", nil))
		}),
		row("an assertion with a thumbprint of another certificate", func(t *testing.T) string {
			return sign(t, jwa.ES256, f.ec, map[string]any{"x5t#S256": strings.Repeat("A", 43)},
				assertionClaims(certIssuer, "unknown", claims{"upn": "alice@corp.example.com"}))
		}),
		{"an assertion asking for more scope than it signed", 400, "invalid_scope", func(t *testing.T, s *harness.Server) harness.Answer {
			return s.Token(t, anonymous, bearer(f.byKey(t, claims{"scope": "read"}), "scope", "write"))
		}},
		{"an assertion asking for a resource that the issuer may not", 400, "invalid_target", func(t *testing.T, s *harness.Server) harness.Answer {
			return s.Token(t, anonymous, bearer(f.byKey(t, nil), "resource", "https://unknown.example.com"))
		}},
	}
}

func encode(s string) string { return base64.RawURLEncoding.EncodeToString([]byte(s)) }
