package handlers

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"authserver/internal/clientauth"
	"authserver/internal/oauth"
	"authserver/internal/passwords"
	"authserver/internal/store"
	"authserver/test/openapitest"
)

func TestTokenAnswers(t *testing.T) {
	s := newSite(t)
	v := s.visit(s.public(10*time.Second), openapitest.New(t).Client(nil))
	first := v.login()
	tests := []struct {
		name       string
		client     string
		parameters []string
		scope      string
		refresh    bool
	}{
		{"client_credentials", "web", []string{"grant_type", "client_credentials"}, "read write", false},
		{"password", "web", []string{"grant_type", "password", "username", "alice", "password", password, "scope", "read"}, "read", true},
		{"refresh_token", "web", []string{"grant_type", "refresh_token", "refresh_token", first.text(t, "refresh_token")}, "read write", true},
		{"jwt-bearer", "web", []string{"grant_type", string(oauth.JWTBearer), "assertion", vouch(t, "1")}, "read", false},
		{"jwt-bearer without a client", "", []string{"grant_type", string(oauth.JWTBearer), "assertion", vouch(t, "2")}, "read", false},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			clientSecret := secret
			if test.client == "" {
				clientSecret = ""
			}
			a := v.token(test.client, clientSecret, test.parameters...)
			// RFC 6749 §5.1: MUST include both.
			if a.header.Get("Cache-Control") != "no-store" || a.header.Get("Pragma") != "no-cache" || a.header.Get("Content-Type") != "application/json" {
				t.Errorf("header %v", a.header)
			}
			body := a.json(t)
			if _, err := s.Verifier.Verify(s.clock(), a.text(t, "access_token")); err != nil {
				t.Errorf("the access token: %v", err)
			}
			_, refresh := body["refresh_token"]
			delete(body, "access_token")
			delete(body, "refresh_token")
			want := map[string]any{"token_type": "Bearer", "expires_in": 900.0, "scope": test.scope}
			if test.client == "" {
				want["expires_in"] = 60.0
			}
			if diff := cmp.Diff(want, body); diff != "" || refresh != test.refresh {
				t.Errorf("a refresh token: %v, the rest (-want +got):\n%s", refresh, diff)
			}
		})
	}
}

func TestTokenOtherName(t *testing.T) {
	v := newSite(t).open()
	if a := v.post("/token", "web", secret, "grant_type", "client_credentials"); a.status != http.StatusOK {
		t.Errorf("answered %d %s", a.status, a.body)
	}
}

func TestTokenRefuses(t *testing.T) {
	v := newSite(t).open()
	tests := []struct {
		name, client, secret string
		parameters           []string
		status               int
		code                 oauth.Code
	}{
		{"no grant_type", "web", secret, nil, 400, oauth.InvalidRequest},
		{"an empty grant_type", "web", secret, []string{"grant_type", ""}, 400, oauth.InvalidRequest},
		{"a grant that is not there", "web", secret, []string{"grant_type", "device_code"}, 400, oauth.UnsupportedGrantType},
		{"a grant in capitals", "web", secret, []string{"grant_type", "PASSWORD"}, 400, oauth.UnsupportedGrantType},
		{"a grant that the client may not use", "other", secret, []string{"grant_type", "password", "username", "alice", "password", password}, 400, oauth.UnauthorizedClient},
		{"jwt-bearer of a client that may not", "other", secret, []string{"grant_type", string(oauth.JWTBearer), "assertion", vouch(t, "1")}, 400, oauth.UnauthorizedClient},
		{"no client", "", "", []string{"grant_type", "client_credentials"}, 401, oauth.InvalidClient},
		{"no client for a refresh", "", "", []string{"grant_type", "refresh_token", "refresh_token", "art_x"}, 401, oauth.InvalidClient},
		{"a wrong secret", "web", "wrong", []string{"grant_type", "client_credentials"}, 401, oauth.InvalidClient},
		{"a client that is unknown", "unknown", secret, []string{"grant_type", "client_credentials"}, 401, oauth.InvalidClient},
		{"a confidential client that names itself", "web", "", []string{"grant_type", "client_credentials"}, 401, oauth.InvalidClient},
		{"a wrong password", "web", secret, []string{"grant_type", "password", "username", "alice", "password", "guess, guess, guess"}, 400, oauth.InvalidGrant},
		{"a refresh token that was made up", "web", secret, []string{"grant_type", "refresh_token", "refresh_token", "art_x"}, 400, oauth.InvalidGrant},
		{"an assertion that is none", "", "", []string{"grant_type", string(oauth.JWTBearer), "assertion", "x"}, 400, oauth.InvalidGrant},
		{"a scope that is not allowed", "web", secret, []string{"grant_type", "client_credentials", "scope", "admin"}, 400, oauth.InvalidScope},
		{"a resource that is not allowed", "web", secret, []string{"grant_type", "client_credentials", "resource", "https://evil.example"}, 400, oauth.InvalidTarget},
		{"a repeated parameter (RFC 6749 section 3.2)", "web", secret, []string{"grant_type", "client_credentials", "scope", "read", "scope", "write"}, 400, oauth.InvalidRequest},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			v := v
			v.TB = t
			a := v.post(TokenPath, test.client, test.secret, test.parameters...)
			v.refused(a, test.status, test.code)
			if a.header.Get("Cache-Control") != "no-store" || a.header.Get("Pragma") != "no-cache" { // RFC 6749 §5.1
				t.Errorf("header %v", a.header)
			}
			// RFC 6749 §5.2: MUST include it, matching the scheme that the client used.
			if challenge := a.header.Get("WWW-Authenticate"); strings.HasPrefix(challenge, "Basic ") != (test.status == http.StatusUnauthorized) {
				t.Errorf("WWW-Authenticate is %q", challenge)
			}
			if strings.Contains(a.body, "access_token") {
				t.Errorf("a token was issued: %s", a.body)
			}
		})
	}
}

func TestFormIsStrict(t *testing.T) {
	v := newSite(t).open()
	const form, grant = "application/x-www-form-urlencoded", "grant_type=client_credentials"
	basic := "Basic " + base64.StdEncoding.EncodeToString([]byte("web:"+secret))
	tests := []struct {
		name, path, body string
		header           map[string]string
		status           int
	}{
		{"a good one", TokenPath, grant, nil, 200},
		{"JSON", TokenPath, `{"grant_type":"client_credentials"}`, map[string]string{"Content-Type": "application/json"}, 400},
		{"no content type", TokenPath, grant, map[string]string{"Content-Type": ""}, 400},
		{"ASCII in another charset", TokenPath, grant, map[string]string{"Content-Type": form + "; charset=ISO-8859-1"}, 200},
		{"more than ASCII in another charset", TokenPath, grant + "&x=%e4", map[string]string{"Content-Type": form + "; charset=windows-1251"}, 400},
		{"a charset without ASCII", TokenPath, grant, map[string]string{"Content-Type": form + "; charset=utf-16"}, 400},
		{"nothing between ampersands", TokenPath, "&" + grant + "&&scope=read&", nil, 200},
		{"spaces around and between scopes", TokenPath, grant + "&scope=+read++write+", nil, 200},
		{"a scope of spaces counts as left out", TokenPath, grant + "&scope=++", nil, 200},
		{"compressed", TokenPath, grant, map[string]string{"Content-Encoding": "gzip"}, 400},
		{"larger than 64 KiB", TokenPath, grant + "&x=" + strings.Repeat("a", 64<<10), nil, 413},
		{"64 KiB", TokenPath, grant + "&x=" + strings.Repeat("a", 64<<10-len(grant)-3), nil, 200},
		{"more than 50 parameters", TokenPath, grant + strings.Repeat("&", 50), nil, 400},
		// RFC 6749 §2.3.1: MUST NOT be included in the request URI.
		{"the client in the URL", TokenPath + "?client_id=web", grant, nil, 400},
		{"the secret in the URL", TokenPath + "?client_secret=x", grant, nil, 400},
		{"the grant in the URL", TokenPath + "?grant_type=client_credentials", "", nil, 400},
		{"a password in the URL", TokenPath + "?password=x", grant, nil, 400},
		{"a token in the URL", IntrospectPath + "?token=x", "token=x", nil, 400},
		{"a token in the URL, escaped", RevokePath + "?%74oken=x", "token=x", nil, 400},
		{"an unknown parameter in the URL", TokenPath + "?trace=1", grant, nil, 200},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			v := v
			v.TB = t
			header := map[string]string{"Content-Type": form, "Authorization": basic}
			for name, value := range test.header {
				header[name] = value
			}
			a := v.do(http.MethodPost, test.path, test.body, header)
			if a.status != test.status || test.status != 200 && a.text(t, "error") != "invalid_request" {
				t.Errorf("answered %d %s, want %d", a.status, a.body, test.status)
			}
		})
	}
}

func TestRepeatedHeaders(t *testing.T) {
	v := newSite(t).open()
	for name, values := range map[string][]string{
		"Authorization": {"Basic d2ViOng=", "Basic d2ViOng="},
		"Content-Type":  {"application/x-www-form-urlencoded", "application/json"},
	} {
		request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, v.base+TokenPath, strings.NewReader("grant_type=client_credentials"))
		if err != nil {
			t.Fatal(err)
		}
		request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		request.Header[name] = values
		v.refused(v.send(request), 400, oauth.InvalidRequest)
	}
}

// For a database that is gone, a full queue, or a request that took too long, the server answers
// 503 with Retry-After, and nothing of the driver's message.
func TestUnavailable(t *testing.T) {
	type spoiler func(*site)
	with := func(clients store.Clients, slow clientauth.Secrets) spoiler {
		return func(s *site) {
			var err error
			s.Clients.Authenticator, err = clientauth.New(clients, clientauth.SecretBasic{Secrets: slow})
			s.ok(err)
		}
	}
	bcrypt := store.Client{ID: "web", AuthMethods: []oauth.AuthMethod{oauth.AuthBasic}, Secrets: []store.ClientSecret{{Kind: store.SecretBcrypt}}}
	tests := []struct {
		name       string
		spoil      spoiler
		path       string
		parameters []string
	}{
		{"token: the client", with(outage{}, clientauth.Secrets{}), TokenPath, []string{"grant_type", "client_credentials"}},
		{"token: too many passwords", with(one{bcrypt}, clientauth.Secrets{Slow: crowd{}}), TokenPath, []string{"grant_type", "client_credentials"}},
		{"token: too slow", with(slow{}, clientauth.Secrets{}), TokenPath, []string{"grant_type", "client_credentials"}},
		{"introspection: the client", with(outage{}, clientauth.Secrets{}), IntrospectPath, []string{"token", "x"}},
		{"introspection: the family", func(s *site) { s.Introspect.Tokens.Families = outage{} }, IntrospectPath, nil},
		{"introspection: the user", func(s *site) { s.Introspect.Tokens.Users = outage{} }, IntrospectPath, nil},
		{"revocation: the family", func(s *site) { s.Revoke.Tokens.Families = outage{} }, RevokePath, nil},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			s := newSite(t)
			limit := 10 * time.Second
			if strings.HasSuffix(test.name, "too slow") {
				limit = 10 * time.Millisecond
			}
			v := s.visit(s.public(limit), openapitest.New(t).HostileClient(nil))
			if test.parameters == nil {
				test.parameters = []string{"token", v.login().text(t, "refresh_token")}
			}
			test.spoil(s)
			a := v.post(test.path, "web", secret, test.parameters...)
			v.refused(a, http.StatusServiceUnavailable, oauth.Unavailable)
			if a.header.Get("Retry-After") == "" {
				t.Errorf("no Retry-After: %v", a.header)
			}
			if strings.Contains(a.body, "SQLSTATE") || strings.Contains(a.body, "10.0.0.1") {
				t.Errorf("the driver speaks: %s", a.body)
			}
		})
	}
}

// one is a register with one client.
type one struct{ client store.Client }

func (o one) Client(context.Context, string) (store.Client, error) { return o.client, nil }

// crowd is a full queue for bcrypt.
type crowd struct{}

func (crowd) Knows([][]byte, []string) bool { return false }

func (crowd) VerifyAny(context.Context, [][]byte, []string) (bool, error) {
	return false, passwords.ErrBusy
}

// slow is a database that answers after the client has given up.
type slow struct{}

func (slow) Client(ctx context.Context, _ string) (store.Client, error) {
	<-ctx.Done()
	return store.Client{}, ctx.Err()
}

// The log contains no secret, whatever the client sends.
func TestLogHoldsNoSecret(t *testing.T) {
	s := newSite(t)
	v := s.open()
	first := v.login()
	second := v.token("web", secret, "grant_type", "refresh_token", "refresh_token", first.text(t, "refresh_token"))
	assertion := vouch(t, rand.Text())
	for range 2 {
		v.post(TokenPath, "web", secret, "grant_type", string(oauth.JWTBearer), "assertion", assertion)
	}
	s.wait(time.Minute)
	for _, path := range []string{TokenPath, IntrospectPath, RevokePath} {
		for _, token := range []string{first.text(t, "refresh_token"), second.text(t, "access_token"), assertion} {
			v.post(path, "web", secret, "grant_type", "refresh_token", "refresh_token", token, "token", token)
			v.post(path, "web", "a wrong secret of the client", "token", token, "client_secret", "another secret in the body")
			v.post(path+"?token="+token, "web", secret, "token", token)
		}
	}
	v.post(TokenPath, "web", "a wrong secret of the client")
	v.post(TokenPath, "web", secret, "grant_type", "password", "username", "alice", "password", "a wrong password of alice")
	log := s.log.String()
	for name, value := range map[string]string{
		"the client's secret": secret, "a wrong secret": "a wrong secret", "a secret in the body": "another secret", "the password": password, "a wrong password": "a wrong password",
		"a refresh token": first.text(t, "refresh_token")[4:30], "the next refresh token": second.text(t, "refresh_token")[4:30],
		"an access token": strings.Split(second.text(t, "access_token"), ".")[2], "an assertion": strings.Split(assertion, ".")[2],
	} {
		if strings.Contains(log, value) {
			t.Errorf("%s is in the log", name)
		}
	}
	for _, want := range []string{`"refresh_reused"`, `"assertion_replayed"`, `"password_wrong"`, `"client_proof"`, `"audit":true`, `"request_id"`} {
		if !strings.Contains(log, want) {
			t.Errorf("%s is not in the log", want)
		}
	}
}
