package blackbox

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strings"
	"testing"

	"github.com/lestrrat-go/jwx/v2/jwa"

	"authserver/test/harness"
)

// B8: the URLs in the metadata of an issuer with a path work through a proxy that passes the path
// on, and through one that removes it.
func TestIssuerWithAPath(t *testing.T) {
	t.Parallel()
	for _, path := range []string{"/auth", "/auth/", "/oauth2"} {
		for name, strip := range map[string]string{"handed on": "", "taken off": strings.TrimSuffix(path, "/")} {
			t.Run(path+" is "+name, func(t *testing.T) {
				issuer := "https://example.test" + path
				d := harness.SQLite(t)
				f := register(t, d)
				f.Set("ISSUER", issuer)
				s := f.Start()
				to, err := url.Parse(s.URL)
				if err != nil {
					t.Fatal(err)
				}
				forward := httputil.NewSingleHostReverseProxy(to)
				front := httptest.NewServer(http.StripPrefix(strip, forward))
				defer front.Close()
				p := pathClient{t, front.URL}

				metadata := p.get("/.well-known/oauth-authorization-server"+strings.TrimSuffix(path, "/"), strip == "")
				if metadata == nil { // the proxy passes on only what is below the path
					metadata = p.get(strings.TrimSuffix(path, "/")+"/.well-known/oauth-authorization-server", true)
				}
				if metadata["issuer"] != issuer {
					t.Fatalf("the metadata is %v", metadata)
				}
				endpoint := func(name string) string { return metadata[name].(string) }
				if keys := p.get(strings.TrimPrefix(endpoint("jwks_uri"), "https://example.test"), true); len(keys["keys"].([]any)) == 0 {
					t.Errorf("the key set is %v", keys)
				}
				h := newHolder(t)
				for _, token := range []string{endpoint("token_endpoint"), strings.Replace(endpoint("token_endpoint"), "/oauth2/token", "/token", 1)} {
					answer := p.post(token, f.batch, clientCredentials(), h.proof(t, claims{"htu": token}))
					if answer["token_type"] != "DPoP" {
						t.Fatalf("%s answers %v", token, answer)
					}
					if answer := p.post(token, f.batch, clientCredentials(), h.proof(t, claims{"htu": "https://example.test/elsewhere/token"})); answer["error"] != "invalid_dpop_proof" {
						t.Errorf("%s answers a proof for another URL with %v", token, answer)
					}
					for name, aud := range map[string]string{"the issuer": issuer, "the token endpoint": token} {
						assertion := sign(t, jwa.RS256, f.rsa, map[string]any{"kid": "rsa-1"}, assertionClaims(rsaIssuer, "alice", claims{"aud": aud}))
						if answer := p.post(token, harness.Credentials{}, bearer(assertion), ""); answer["access_token"] == nil {
							t.Errorf("an assertion for %s gets %v", name, answer)
						}
					}
					access := p.post(token, f.batch, clientCredentials(), "")["access_token"].(string)
					if seen := p.post(endpoint("introspection_endpoint"), f.batch, form("token", access), ""); seen["active"] != true || seen["iss"] != issuer {
						t.Errorf("introspection answers %v", seen)
					}
					p.post(endpoint("revocation_endpoint"), f.batch, form("token", access), "")
					if seen := p.post(endpoint("introspection_endpoint"), f.batch, form("token", access), ""); seen["active"] != false {
						t.Errorf("after its revocation introspection answers %v", seen)
					}
				}
			})
		}
	}
}

// pathClient calls published URLs at the address of a proxy.
type pathClient struct {
	*testing.T
	base string
}

// get returns nil if there is nothing, and fails if there must be something.
func (p pathClient) get(path string, there bool) map[string]any {
	p.Helper()
	answer, err := http.Get(p.base + path)
	if err != nil {
		p.Fatal(err)
	}
	return p.read(answer, path, there)
}

func (p pathClient) post(target string, who harness.Credentials, parameters url.Values, proof string) map[string]any {
	p.Helper()
	request, err := http.NewRequestWithContext(p.Context(), http.MethodPost, p.base+strings.TrimPrefix(target, "https://example.test"), strings.NewReader(parameters.Encode()))
	if err != nil {
		p.Fatal(err)
	}
	request.Header.Set("Content-Type", formType)
	if who.ID != "" {
		request.SetBasicAuth(url.QueryEscape(who.ID), url.QueryEscape(who.Secret))
	}
	if proof != "" {
		request.Header.Set("DPoP", proof)
	}
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		p.Fatal(err)
	}
	return p.read(answer, target, true)
}

func (p pathClient) read(answer *http.Response, from string, there bool) (body map[string]any) {
	p.Helper()
	defer answer.Body.Close()
	raw, err := io.ReadAll(answer.Body)
	if err != nil {
		p.Fatal(err)
	}
	if answer.StatusCode == http.StatusNotFound && !there {
		return nil
	}
	if err := json.Unmarshal(raw, &body); err != nil {
		p.Fatalf("%s answers %d %s", from, answer.StatusCode, raw)
	}
	return body
}
