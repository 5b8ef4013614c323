package grants_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"authserver/internal/grants"
	"authserver/internal/oauth"
	"authserver/internal/store"
)

func TestClientCredentials(t *testing.T) {
	w := newWorld(t)
	client := w.change("web", func(c *store.Client) {
		c.Roles, c.Permissions = []string{"batch"}, []string{"jobs:run"}
		c.Claims = map[string]any{"at": "client"}
	})
	answer := w.exchange(w.clientCredentials, w.ask(client))
	if answer.RefreshToken != "" { // RFC 6749 §4.4.3
		t.Error("a refresh token was issued")
	}
	if answer.ExpiresIn != 15*time.Minute || answer.Scope.String() != "read write" {
		t.Errorf("it lives %s with scope %q", answer.ExpiresIn, answer.Scope)
	}
	claims := w.verifyAccess(answer.AccessToken)
	for name, want := range map[string]any{
		"iss": self, "sub": "web", "client_id": "web", "aud": api, "scope": "read write", // RFC 9068 §2.2: sub is the client
		"roles": []any{"batch"}, "permissions": []any{"jobs:run"}, "tenant": "api", "at": "client",
	} {
		if diff := cmp.Diff(want, claims.All[name]); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
	if claims.Parsed.Family != (store.FamilyID{}) {
		t.Error("the token is of a family")
	}
}

// RFC 6749 §4.4: MUST only be used by confidential clients.
func TestClientCredentialsOfAPublicClient(t *testing.T) {
	w := newWorld(t)
	_, err := w.clientCredentials.Exchange(t.Context(), w.ask(w.client("app")))
	refused(t, err, oauth.UnauthorizedClient, "public_client")
}

func TestScopeAndResource(t *testing.T) {
	w := newWorld(t)
	w.change("web", func(c *store.Client) { c.Resources = []string{api, files, mail, "https://gone.example.com"} })
	w.change("other", func(c *store.Client) {
		c.Scopes, c.DefaultScopes, c.Resources = oauth.Scope{"read", "write"}, oauth.Scope{"write"}, nil
	})
	w.change("app", func(c *store.Client) {
		c.AuthMethods, c.DefaultScopes = []oauth.AuthMethod{oauth.AuthPost}, oauth.Scope{}
	})
	tests := []struct {
		name, client string
		parameters   []string
		scope        string
		audience     []string
		ttl          time.Duration
		alg          string
	}{
		{"nothing asked: the first resource, and what it knows of the client's scopes", "web", nil, "read write", []string{api}, 15 * time.Minute, "RS256"},
		{"less scope", "web", []string{"scope", "write"}, "write", []string{api}, 15 * time.Minute, "RS256"},
		{"scope in the order of the request, each once", "web", []string{"scope", "write read write"}, "write read", []string{api}, 15 * time.Minute, "RS256"},
		{"another resource", "web", []string{"resource", files}, "read list", []string{files}, 5 * time.Minute, "RS256"},
		{"two resources: the shorter life, the scopes of both", "web", []string{"resource", files, "resource", api}, "read write list", []string{files, api}, 5 * time.Minute, "RS256"},
		{"a resource without scopes leaves them to the client", "web", []string{"resource", mail}, "read write list", []string{mail}, 15 * time.Minute, "ES256"},
		{"a client of no resource: this server", "other", nil, "write", []string{self}, 10 * time.Minute, "RS256"},
		{"a client of no resource names this server", "other", []string{"resource", self, "scope", "read write"}, "read write", []string{self}, 10 * time.Minute, "RS256"},
		{"a client whose default is nothing", "app", nil, "", []string{api}, 15 * time.Minute, "RS256"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			answer, err := w.clientCredentials.Exchange(t.Context(), w.ask(w.client(test.client), test.parameters...))
			if err != nil {
				t.Fatal(err)
			}
			claims := w.verifyAccess(answer.AccessToken)
			if answer.Scope.String() != test.scope || claims.All["scope"] != test.scope {
				t.Errorf("scope is %q, in the token %q, want %q", answer.Scope, claims.All["scope"], test.scope)
			}
			if diff := cmp.Diff(test.audience, claims.Audience); diff != "" {
				t.Errorf("aud (-want +got):\n%s", diff)
			}
			if signer, err := w.manager.Signer(test.alg); err != nil || answer.ExpiresIn != test.ttl || claims.KID != signer.KID {
				t.Errorf("it lives %s, signed by %s, want %s by %s (%v)", answer.ExpiresIn, claims.KID, test.ttl, signer.KID, err)
			}
		})
	}
}

func TestScopeAndResourceRefused(t *testing.T) {
	w := newWorld(t)
	w.change("web", func(c *store.Client) { c.Resources = []string{api, files, mail, "https://gone.example.com"} })
	tests := []struct {
		name       string
		parameters []string
		code       oauth.Code
		reason     string
	}{
		// RFC 6749 §3.3, §5.2.
		{"a scope that the client may not have", []string{"scope", "read admin"}, oauth.InvalidScope, "scope_not_allowed"},
		{"a scope in capitals", []string{"scope", "READ"}, oauth.InvalidScope, "scope_not_allowed"},
		{"a scope that the resource does not know", []string{"scope", "list"}, oauth.InvalidScope, "scope_not_of_resource"},
		{"a tab between scopes", []string{"scope", "read\twrite"}, oauth.InvalidScope, "scope_malformed"},
		{"a quote in a scope", []string{"scope", `re"ad`}, oauth.InvalidScope, "scope_malformed"},
		// RFC 8707 §2.
		{"a resource that the client may not ask for", []string{"resource", "https://evil.example.com"}, oauth.InvalidTarget, "resource_not_allowed"},
		{"this server, of a client that has resources", []string{"resource", self}, oauth.InvalidTarget, "resource_not_allowed"},
		{"a resource with a slash behind", []string{"resource", api + "/"}, oauth.InvalidTarget, "resource_not_allowed"},
		{"one that it may ask for and one that it may not", []string{"resource", api, "resource", "https://evil.example.com"}, oauth.InvalidTarget, "resource_not_allowed"},
		{"a resource that was deleted", []string{"resource", "https://gone.example.com"}, oauth.InvalidTarget, "resource_unknown"},
		{"resources of two algorithms", []string{"resource", api, "resource", mail}, oauth.InvalidTarget, "resources_differ"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			answer, err := w.clientCredentials.Exchange(t.Context(), w.ask(w.client("web"), test.parameters...))
			refused(t, err, test.code, test.reason)
			if answer.AccessToken != "" {
				t.Error("a token was issued")
			}
		})
	}
}

func TestRegistry(t *testing.T) {
	w := newWorld(t)
	r, err := grants.NewRegistry(w.clientCredentials, w.password, w.refresh, w.jwtBearer)
	if err != nil {
		t.Fatal(err)
	}
	want := []oauth.GrantType{"client_credentials", "password", "refresh_token", "urn:ietf:params:oauth:grant-type:jwt-bearer"}
	if diff := cmp.Diff(want, r.Types()); diff != "" {
		t.Errorf("types (-want +got):\n%s", diff)
	}
	for _, grant := range want {
		if g, ok := r.Find(grant); !ok || g.Type() != grant || g.NeedsClient() != (grant != oauth.JWTBearer) {
			t.Errorf("%s is not found, or does not know whether it needs a client", grant)
		}
	}
	if _, ok := r.Find("authorization_code"); ok {
		t.Error("a grant is found that was not registered")
	}
	if _, err := grants.NewRegistry(w.refresh, w.password, w.refresh); err == nil {
		t.Error("a grant stands twice")
	}
}
