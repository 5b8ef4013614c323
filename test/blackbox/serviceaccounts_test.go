package blackbox

import (
	"context"
	"crypto/rand"
	"crypto/rsa"
	"encoding/json"
	"errors"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"golang.org/x/oauth2"
	"golang.org/x/oauth2/jwt"

	"authserver/test/harness"
	"authserver/test/openapitest"
)

// behindItsName is an HTTP client that finds the server under its issuer identifier, as if TLS
// ended at a proxy in front of it.
func behindItsName(t *testing.T, s *harness.Server) *http.Client {
	t.Helper()
	transport := &http.Transport{DialTLSContext: func(ctx context.Context, network, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, network, strings.TrimPrefix(s.URL, "http://"))
	}}
	t.Cleanup(transport.CloseIdleConnections)
	return openapitest.New(t).HostileClient(&http.Client{Transport: transport})
}

// serviceAccount configures golang.org/x/oauth2/jwt. The library sends only the assertion, with the
// URL as "aud" and without "jti".
func serviceAccount(t *testing.T, f *fixture, id, subject string) jwt.Config {
	return jwt.Config{
		Email: id, Subject: subject, PrivateKey: []byte(harness.KeyPEM(t, f.rsa)), PrivateKeyID: "account-1",
		Scopes: []string{"read"}, TokenURL: harness.Issuer + "/oauth2/token",
	}
}

// A client is its own issuer, with the library for Google's service accounts.
func TestServiceAccounts(t *testing.T) {
	t.Parallel()
	harness.OnBoth(t, func(t *testing.T, d *harness.Deployment) {
		f := register(t, d)
		keys := f.File("connector.jwks", jwksOf(t, f.rsa.Public(), "account-1"))
		f.Run("client", "create", "--id", "connector", "--auth-method", "private_key_jwt", "--jwks-file", keys, "--grant", "jwt-bearer",
			"--assert-user", "al*", "--scope", "read", "--scope", "write", "--resource", apiRS256)
		f.RunWith(alicePassword+"\n", "user", "create", "--username", "bob", "--password-stdin")
		f.registerFleet(t, keys)
		s := f.Start()
		ctx := context.WithValue(t.Context(), oauth2.HTTPClient, behindItsName(t, s))

		for name, test := range map[string]struct {
			subject string
			change  func(*jwt.Config)
			want    map[string]any
		}{
			"for itself":                 {"connector", nil, map[string]any{"sub": "connector", "scope": "read"}},
			"for a user":                 {"alice", nil, map[string]any{"sub": f.alice, "scope": "read"}},
			"without a scope":            {"alice", func(c *jwt.Config) { c.Scopes = nil }, map[string]any{"scope": "read write"}},
			"without the key's name":     {"connector", func(c *jwt.Config) { c.PrivateKeyID, c.Expires = "", time.Minute }, map[string]any{"sub": "connector"}},
			"to the issuer's identifier": {"connector", func(c *jwt.Config) { c.Audience = harness.Issuer }, map[string]any{"sub": "connector"}},
		} {
			t.Run(name, func(t *testing.T) {
				sender := serviceAccount(t, f, "connector", test.subject)
				if test.change != nil {
					test.change(&sender)
				}
				token, err := sender.TokenSource(ctx).Token()
				if err != nil || !token.Valid() || token.Type() != "Bearer" {
					t.Fatal(token, err)
				}
				test.want["client_id"] = "connector"
				wantClaims(t, s.Verify(t, token.AccessToken, apiRS256), test.want)
			})
		}
		t.Run("what is refused", func(t *testing.T) { refusedServiceAccounts(t, ctx, f) })
		t.Run("what comes again", func(t *testing.T) { repeatedServiceAccounts(t, ctx, f) })
	})
}

// registerFleet registers a client that may repeat its assertions.
func (f *fixture) registerFleet(t *testing.T, keys string) {
	t.Helper()
	f.Run("client", "create", "--id", "fleet", "--auth-method", "private_key_jwt", "--grant", "jwt-bearer", "--allow-repeat",
		"--jwks-file", keys, "--scope", "read", "--resource", apiRS256)
}

func refusedServiceAccounts(t *testing.T, ctx context.Context, f *fixture) {
	stranger, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	for name, test := range map[string]struct {
		change func(*jwt.Config)
		want   string
	}{
		"another key under its name": {func(c *jwt.Config) { c.PrivateKey = []byte(harness.KeyPEM(t, stranger)) }, "its signature was made by none of the registered keys"},
		"no subject (RFC 7523 §3)":   {func(c *jwt.Config) { c.Subject = "" }, "its claim sub, which names the subject, is missing"},
		"a user it may not speak of": {func(c *jwt.Config) { c.Subject = "bob" }, "its subject is not known here"},
		"another client":             {func(c *jwt.Config) { c.Subject = "web" }, "its subject is not known here"},
		"another server":             {func(c *jwt.Config) { c.Audience = "https://other.example.com/token" }, "its aud must be"},
		"two hours":                  {func(c *jwt.Config) { c.Expires = 2 * time.Hour }, "its lifetime is longer than 1h0m0s"},
		"a scope it may not have":    {func(c *jwt.Config) { c.Scopes = []string{"admin"} }, "scope 'admin' is not allowed for this client"},
		"another client by a fleet":  {func(c *jwt.Config) { c.Email, c.Subject = "fleet", "connector" }, "its subject is not known here"},
	} {
		t.Run(name, func(t *testing.T) {
			sender := serviceAccount(t, f, "connector", "connector")
			test.change(&sender)
			token, err := sender.TokenSource(ctx).Token()
			wantRefusal(t, token, err, test.want)
		})
	}
}

// wantRefusal requires the library's error for a refusal.
func wantRefusal(t *testing.T, token *oauth2.Token, err error, description string) {
	t.Helper()
	var refused *oauth2.RetrieveError
	if !errors.As(err, &refused) || refused.Response.StatusCode != http.StatusBadRequest {
		t.Fatal(token, err)
	}
	var body struct {
		Description string `json:"error_description"`
	}
	if err := json.Unmarshal(refused.Body, &body); err != nil || !strings.Contains(body.Description, description) {
		t.Errorf("the answer is %s, want %q", refused.Body, description)
	}
}

// Without a jti an assertion is identified by its bytes, and two within one second are the same.
func repeatedServiceAccounts(t *testing.T, ctx context.Context, f *fixture) {
	const used = "it was used before"
	t.Run("within a second", func(t *testing.T) {
		sender := serviceAccount(t, f, "connector", "connector")
		sender.Scopes = []string{"read", "write"}
		var token *oauth2.Token
		var err error
		harness.Eventually(t, reached, "the same one comes again", func() bool {
			token, err = sender.TokenSource(ctx).Token()
			return err != nil
		})
		wantRefusal(t, token, err, used)
		harness.Eventually(t, reached, "the next second has come", func() bool {
			token, err = sender.TokenSource(ctx).Token()
			return err == nil
		})
	})
	t.Run("with a jti that the configuration fixes, in any second", func(t *testing.T) {
		sender := serviceAccount(t, f, "connector", "connector")
		sender.PrivateClaims = map[string]any{"jti": "the-only-one"}
		if _, err := sender.TokenSource(ctx).Token(); err != nil {
			t.Fatal(err)
		}
		sender.Expires = 10 * time.Minute
		token, err := sender.TokenSource(ctx).Token()
		wantRefusal(t, token, err, used)
	})
	t.Run("within a second, of an issuer that may", func(t *testing.T) {
		sender := serviceAccount(t, f, "fleet", "fleet")
		for range 5 {
			if _, err := sender.TokenSource(ctx).Token(); err != nil {
				t.Fatal(err)
			}
		}
	})
}
