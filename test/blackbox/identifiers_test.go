package blackbox

import (
	"encoding/json"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/lestrrat-go/jwx/v2/jwa"

	"authserver/test/harness"
)

// The identifier of a client has any visible characters and spaces (RFC 6749 appendix A.1), and
// that of an API any printable characters without spaces: everything that works with a plain name
// works with these.
func TestIdentifiersOfManyKinds(t *testing.T) {
	t.Parallel()
	harness.OnBoth(t, func(t *testing.T, d *harness.Deployment) {
		register(t, d)
		apis := []string{"rabbitmq", "my-api", "urn:app:orders", "a#b", "bücher/本", "-x", "50%", `"'\<>{}`}
		for _, api := range apis {
			d.Run("resource", "create", "--id="+api, "--scope", "read")
		}
		ids := []string{
			"urn:app:orders", "spiffe://example.org/shop/orders", "system:serviceaccount:shop:orders", " blanks around ", "--id", "a+b", "50%25",
			strings.Repeat("x y:", 63) + "~!@",
		}
		s := d.Start()
		for n, id := range ids {
			t.Run(id, func(t *testing.T) { useIdentifiers(t, d, s, id, apis[n%len(apis)]) })
		}
		for _, id := range ids {
			if shown := printed(t, d, "client", "show", "-o", "json", "--", id); shown["client_id"] != id || shown["name"] != "Orders" {
				t.Errorf("%q is shown as %v", id, shown)
			}
			d.Run("client", "delete", "--yes", "--", id)
		}
	})
}

func useIdentifiers(t *testing.T, d *harness.Deployment, s *harness.Server, id, api string) {
	t.Helper()
	made := d.JSON("", "client", "create", "--id="+id, "--grant", "client_credentials", "--scope", "read", "--resource="+api, "--serves="+api)
	who := harness.Credentials{ID: id, Secret: made["client_secret"].(string)}
	harness.Eventually(t, reached, "the client is known", func() bool { return s.Token(t, who, clientCredentials()).Status == http.StatusOK })

	answer := s.MustToken(t, who, clientCredentials("audience", api))
	token := answer.Text("access_token")
	wantClaims(t, s.Verify(t, token, api), map[string]any{"sub": id, "client_id": id, "scope": "read"})
	posted := clientCredentials("client_id", id, "client_secret", who.Secret)
	s.MustToken(t, harness.Credentials{}, posted)

	said := s.Post(t, "/oauth2/introspect", who, form("token", token))
	if said.Body["active"] != true || said.Body["client_id"] != id || said.Body["sub"] != id || said.Body["aud"] != api {
		t.Errorf("introspection says %s", said.Raw)
	}
	if answer := s.Post(t, "/oauth2/revoke", who, form("token", token)); answer.Status != http.StatusOK {
		t.Errorf("revocation answered %d %s", answer.Status, answer.Raw)
	}
	harness.Eventually(t, reached, "the token is revoked", func() bool { return !s.Active(t, who, token) })

	d.Run("client", "update", "--name", "Orders", "--", id)
	rotated := printed(t, d, "client", "rotate-secret", "-o", "json", "--", id)
	// Wrong secrets count, so sending one again and again would make the client wait.
	harness.Eventually(t, reached, "the old secret is over", func() bool { return s.Token(t, who, clientCredentials()).Status != http.StatusOK })
	who.Secret = rotated["client_secret"].(string)
	s.MustToken(t, who, clientCredentials())
	wantError(t, s.Token(t, harness.Credentials{ID: id, Secret: "wrong"}, clientCredentials()), http.StatusUnauthorized, "invalid_client")
}

// printed returns the output of a command whose last argument comes after "--".
func printed(t *testing.T, d *harness.Deployment, args ...string) (object map[string]any) {
	t.Helper()
	if err := json.Unmarshal([]byte(d.Run(args...)), &object); err != nil {
		t.Fatal(err)
	}
	return object
}

// In every grant, audience means the same as resource, and an unknown value is refused: no client
// gets a token for another API than it requested.
func TestAudienceIsResource(t *testing.T) {
	t.Parallel()
	harness.OnBoth(t, func(t *testing.T, d *harness.Deployment) {
		f := register(t, d)
		d.Run("resource", "create", "--id", "queue", "--scope", "read")
		d.Run("client", "update", "web", "--grant", "client_credentials", "--grant", "password", "--grant", "refresh_token", "--grant", "jwt-bearer", "--grant", "token-exchange",
			"--resource", apiRS256, "--resource", "queue", "--resource", apiES256)
		d.Run("issuer", "update", rsaIssuer, "--resource", apiRS256, "--resource", "queue", "--resource", apiES256)
		s := d.Start()
		session := s.MustToken(t, f.web, login("audience", apiRS256, "audience", "queue"))
		for grant, ask := range map[string]func(more ...string) url.Values{
			"client_credentials": clientCredentials,
			"password":           login,
			"refresh_token":      func(more ...string) url.Values { return refresh(session.Text("refresh_token"), more...) },
			"jwt-bearer": func(more ...string) url.Values {
				return bearer(sign(t, jwa.RS256, f.rsa, map[string]any{"kid": "rsa-1"}, assertionClaims(rsaIssuer, "alice", nil)), more...)
			},
			"token-exchange": func(more ...string) url.Values {
				return form(append([]string{
					"grant_type", "urn:ietf:params:oauth:grant-type:token-exchange", "subject_token", session.Text("access_token"),
					"subject_token_type", "urn:ietf:params:oauth:token-type:access_token",
				}, more...)...)
			},
		} {
			t.Run(grant, func(t *testing.T) {
				for name, test := range map[string]struct {
					parameters []string
					want       []string
				}{
					"one":                        {[]string{"audience", "queue"}, []string{"queue"}},
					"several":                    {[]string{"audience", "queue", "audience", apiRS256}, []string{"queue", apiRS256}},
					"several in one":             {[]string{"audience", "queue " + apiRS256}, []string{"queue", apiRS256}},
					"one of each":                {[]string{"resource", apiRS256, "audience", "queue"}, []string{apiRS256, "queue"}},
					"the same by both names":     {[]string{"resource", "queue", "audience", "queue"}, []string{"queue"}},
					"the same again":             {[]string{"audience", "queue", "audience", "queue"}, []string{"queue"}},
					"an unknown one":             {[]string{"audience", "https://unknown.example"}, nil},
					"one more that is not known": {[]string{"resource", "queue", "audience", "https://unknown.example"}, nil},
					"one in another case":        {[]string{"audience", "Queue"}, nil},
					"one with a slash more":      {[]string{"audience", apiRS256 + "/"}, nil},
					"the server itself":          {[]string{"audience", harness.Issuer}, nil},
					"two that differ in key":     {[]string{"audience", "queue", "resource", apiES256}, nil},
					"what cannot be printed":     {[]string{"audience", "queue\x01"}, nil},
				} {
					t.Run(name, func(t *testing.T) {
						answer := s.Token(t, f.web, ask(test.parameters...))
						if test.want == nil {
							wantError(t, answer, http.StatusBadRequest, "invalid_target")
							return
						}
						if answer.Status != http.StatusOK {
							t.Fatalf("it is refused: %d %s", answer.Status, answer.Raw)
						}
						got := s.Verify(t, answer.Text("access_token"), test.want[0]).Audience()
						slices.Sort(got)
						slices.Sort(test.want)
						if !slices.Equal(got, test.want) {
							t.Errorf("the token is for %v, want %v", got, test.want)
						}
						if next := answer.Text("refresh_token"); next != "" && grant == "refresh_token" {
							session.Body["refresh_token"] = next
						}
					})
				}
			})
		}
	})
}
