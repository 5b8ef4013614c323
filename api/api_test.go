package api_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/google/go-cmp/cmp"
	"github.com/lestrrat-go/jwx/v2/jwk"
	"github.com/lestrrat-go/jwx/v2/jws"

	"authserver/api"
)

// load returns the document, and validates every example in it.
func load(t *testing.T, source []byte) (*openapi3.T, error) {
	t.Helper()
	doc, err := openapi3.NewLoader().LoadFromData(source)
	if err != nil {
		return nil, fmt.Errorf("load: %w", err)
	}
	return doc, doc.Validate(t.Context())
}

func document(t *testing.T) *openapi3.T {
	t.Helper()
	doc, err := load(t, api.OpenAPI())
	if err != nil {
		t.Fatal(err)
	}
	return doc
}

func TestDocumentIsValid(t *testing.T) {
	if doc := document(t); doc.OpenAPI != "3.1.0" {
		t.Errorf("openapi is %q", doc.OpenAPI)
	}
}

// TestFaultsAreFound shows that the test above finds faults.
func TestFaultsAreFound(t *testing.T) {
	for _, c := range []struct{ name, old, new string }{
		{"an example with another token type", "token_type: Bearer\n                expires_in", "token_type: MAC\n                expires_in"},
		{"an example request without its grant type", "{grant_type: client_credentials, ", "{"},
		{"an example error that no RFC has", "{error: invalid_scope, ", "{error: bad_scope, "},
		{"an example key with a private member", "{kty: EC, kid", "{kty: EC, d: x, kid"},
		{"a reference to nothing", "#/components/schemas/Metadata", "#/components/schemas/Nothing"},
		{"an operation id that stands twice", "operationId: issueTokenAlias", "operationId: issueToken"},
	} {
		t.Run(c.name, func(t *testing.T) {
			source := string(api.OpenAPI())
			if !strings.Contains(source, c.old) {
				t.Fatalf("the document has no %q to spoil", c.old)
			}
			if _, err := load(t, []byte(strings.Replace(source, c.old, c.new, 1))); err == nil {
				t.Error("it is not found")
			}
		})
	}
}

func TestBytesAreTheCallers(t *testing.T) {
	api.OpenAPI()[0] = 'X'
	if api.OpenAPI()[0] == 'X' {
		t.Error("a caller changed the document for the others")
	}
}

func TestEveryBodyHasAnExample(t *testing.T) {
	doc := document(t)
	for path, item := range doc.Paths.Map() {
		if path == "/openapi.yaml" { // it would have to contain itself
			continue
		}
		for method, operation := range item.Operations() {
			if body := operation.RequestBody; body != nil {
				requireExamples(t, method+" "+path, body.Value.Content)
			}
			if good := operation.Responses.Status(200); good != nil { // a preflight has only 204
				requireExamples(t, method+" "+path+" 200", good.Value.Content)
			}
		}
	}
	for _, scheme := range []string{"clientCredentials", "password", "refreshToken", "jwtBearer"} {
		for where, content := range map[string]openapi3.Content{
			"request": doc.Components.RequestBodies["Token"].Value.Content,
			"answer":  doc.Components.Responses["Token"].Value.Content,
		} {
			for _, media := range content {
				if media.Examples[scheme] == nil {
					t.Errorf("the grant %s has no example %s", scheme, where)
				}
			}
		}
	}
}

func requireExamples(t *testing.T, where string, content openapi3.Content) {
	t.Helper()
	for name, media := range content {
		if len(media.Examples) == 0 {
			t.Errorf("%s: %s has no example", where, name)
		}
	}
}

// TestExampleTokensAreReal: the example tokens verify with the example key set, and have the
// content of the example answers.
func TestExampleTokensAreReal(t *testing.T) {
	doc := document(t)
	set := exampleKeys(t, doc)
	answers := doc.Components.Responses["Token"].Value.Content["application/json"].Examples
	for name, example := range answers {
		answer := example.Value.Value.(map[string]any)
		claims := verify(t, name, answer["access_token"].(string), set)
		if lifetime := claims["exp"].(float64) - claims["iat"].(float64); lifetime != answer["expires_in"] {
			t.Errorf("%s: expires_in is %v and the token lives %v s", name, answer["expires_in"], lifetime)
		}
		if claims["scope"] != answer["scope"] {
			t.Errorf("%s: scope is %q and the token's %q", name, answer["scope"], claims["scope"])
		}
	}
	introspected := doc.Components.Responses["Introspection"].Value.Content["application/json"].Examples["accessToken"].Value.Value.(map[string]any)
	reference := doc.Components.Examples["AccessTokenReference"].Value.Value.(map[string]any)
	want := verify(t, "introspection", reference["token"].(string), set)
	want["active"], want["token_type"], want["username"] = true, "Bearer", "alice" // RFC 7662 §2.2, beside the claims
	if diff := cmp.Diff(want, introspected); diff != "" {
		t.Errorf("the introspection example does not say what its token says (-token +example):\n%s", diff)
	}
}

func exampleKeys(t *testing.T, doc *openapi3.T) jwk.Set {
	t.Helper()
	source, err := json.Marshal(doc.Components.Examples["JWKS"].Value.Value)
	if err != nil {
		t.Fatal(err)
	}
	set, err := jwk.Parse(source)
	if err != nil {
		t.Fatal(err)
	}
	return set
}

func verify(t *testing.T, name, token string, set jwk.Set) map[string]any {
	t.Helper()
	payload, err := jws.Verify([]byte(token), jws.WithKeySet(set))
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	var claims map[string]any
	if err := json.Unmarshal(payload, &claims); err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	return claims
}
