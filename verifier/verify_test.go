package verifier_test

import (
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"authserver/internal/testkit"
	"authserver/verifier"
)

func TestVerifyTellsWhatTheTokenSays(t *testing.T) {
	i := newIssuer(t)
	got, err := i.verifier(nil).Verify(t.Context(), i.token(map[string]any{"aud": []string{"https://other.example.com", audience}, "tier": "gold"}))
	if err != nil {
		t.Fatal(err)
	}
	want := &verifier.Token{
		Subject: "alice", ClientID: "web", ID: "id", Scopes: []string{"read", "write"}, Roles: []string{"admin"},
		Permissions: []string{"orders:read"}, IssuedAt: i.clock().UTC(), ExpiresAt: i.clock().Add(5 * time.Minute).UTC(),
	}
	if diff := cmp.Diff(want, got, cmpopts.IgnoreUnexported(verifier.Token{}), cmpopts.IgnoreFields(verifier.Token{}, "Claims")); diff != "" {
		t.Error(diff)
	}
	if got.Claims["tier"] != "gold" {
		t.Errorf("the claims are %v", got.Claims)
	}
}

// RFC 9068 §4 and RFC 8725, attack by attack.
func TestVerifyRefuses(t *testing.T) {
	i := newIssuer(t)
	v, own, stranger := i.verifier(nil), i.keys["one"], testkit.P256(t)
	now := i.clock().Unix()
	claim := func(name string, value any) string { return i.token(map[string]any{name: value}) }
	header := func(members map[string]any) string { return sign(t, "ES256", own, members, i.claims(nil)) }
	raw := func(claims string) string { return sign(t, "ES256", own, map[string]any{"kid": "one"}, claims) }
	forged := func(members map[string]any) string { return sign(t, "ES256", stranger, members, i.claims(nil)) }
	unsigned := func(alg string) string {
		return testkit.Part(t, map[string]any{"typ": "at+jwt", "alg": alg, "kid": "one"}) + "." + testkit.Part(t, i.claims(nil)) + "."
	}
	good := i.token(nil)
	if _, err := v.Verify(t.Context(), good); err != nil {
		t.Fatal(err)
	}
	for name, token := range map[string]string{
		"nothing":                            "",
		"nonsense":                           "nonsense",
		"a token that is larger than any":    claim("x", strings.Repeat("x", 16<<10)),
		"alg none":                           unsigned("none"),
		"alg NoNe":                           unsigned("NoNe"),
		"no signature":                       unsigned("ES256"),
		"a signature of zeros":               unsigned("ES256") + strings.Repeat("A", 86),
		"a signature that is cut short":      good[:len(good)-4],
		"a signature in another spelling":    good + "=",
		"HS256 with the public key":          sign(t, "HS256", []byte(testkit.Part(t, testkit.JWK(t, own.Public(), nil))), map[string]any{"kid": "one"}, i.claims(nil)),
		"another key under our kid":          forged(map[string]any{"kid": "one"}),
		"another key without a kid":          forged(nil),
		"another key in jwk":                 forged(map[string]any{"jwk": testkit.JWK(t, stranger.Public(), nil)}),
		"another key by jku":                 forged(map[string]any{"jku": "https://attacker.example/keys"}),
		"a kid that is a path":               forged(map[string]any{"kid": "../../dev/null"}),
		"typ JWT":                            header(map[string]any{"kid": "one", "typ": "JWT"}),
		"no typ":                             header(map[string]any{"kid": "one", "typ": ""}),
		"crit":                               header(map[string]any{"kid": "one", "crit": []string{"b64"}, "b64": false}),
		"a JWE":                              good + ".a.b",
		"another issuer":                     claim("iss", i.url+"/"),
		"no iss":                             claim("iss", nil),
		"another audience":                   claim("aud", "https://other.example.com"),
		"an audience that begins with ours":  claim("aud", audience+"/x"),
		"an audience that is a number":       claim("aud", []any{audience, 1}),
		"no aud":                             claim("aud", nil),
		"expired longer ago than the skew":   claim("exp", now-60),
		"an exp that is a string":            claim("exp", "1900000000"),
		"an exp that is negative":            claim("exp", -1),
		"an exp that is huge":                raw(`{"exp":1e300}`),
		"no exp":                             claim("exp", nil),
		"an nbf further ahead than the skew": claim("nbf", now+61),
		"an iat further ahead than the skew": claim("iat", now+61),
		"no iat":                             claim("iat", nil),
		"no sub":                             claim("sub", nil),
		"an empty sub":                       claim("sub", ""),
		"no client_id":                       claim("client_id", nil),
		"no jti":                             claim("jti", nil),
		"a scope that is a list":             claim("scope", []string{"read"}),
		"roles that are a string":            claim("roles", "admin"),
		"permissions with a number":          claim("permissions", []any{1}),
		"a member that stands twice":         raw(`{"iss":"a","iss":"b"}`),
		"claims that nest":                   raw(strings.Repeat(`{"a":`, 100)),
		"a cnf that is empty":                claim("cnf", map[string]any{}),
		"a cnf that is not known":            claim("cnf", map[string]any{"kid": "x"}),
		"bound to a key":                     claim("cnf", map[string]any{"jkt": "x"}),
		"bound to a certificate":             claim("cnf", map[string]any{"x5t#S256": "x"}),
	} {
		t.Run(name, func(t *testing.T) {
			got, err := v.Verify(t.Context(), token)
			refused := (*verifier.Error)(nil)
			if got != nil || !errors.As(err, &refused) || refused.Code != verifier.InvalidToken || refused.Status != http.StatusUnauthorized {
				t.Errorf("%+v, %v", got, err)
			}
		})
	}
}

// The clocks may differ by the skew.
func TestVerifyWithinTheSkew(t *testing.T) {
	i := newIssuer(t)
	now := i.clock().Unix()
	for name, change := range map[string]map[string]any{
		"expired just now":   {"exp": now - 59},
		"issued by and by":   {"iat": now + 60, "nbf": now + 60},
		"an nbf that is not": {"nbf": nil},
	} {
		if _, err := i.verifier(nil).Verify(t.Context(), i.token(change)); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestOptionsNarrowTheAlgorithms(t *testing.T) {
	i := newIssuer(t)
	v := i.verifier(func(o *verifier.Options) { o.Algorithms = []string{"RS256"} })
	if _, err := v.Verify(t.Context(), i.token(nil)); err == nil {
		t.Error("ES256 is taken")
	}
}

func TestNewRefuses(t *testing.T) {
	const good = "https://auth.example.com"
	for name, c := range map[string]struct {
		issuer, audience string
		o                verifier.Options
	}{
		"no issuer":                                   {"", audience, verifier.Options{}},
		"an issuer over http":                         {"http://auth.example.com", audience, verifier.Options{}},
		"an issuer with a query":                      {good + "?", audience, verifier.Options{}},
		"an issuer with a user":                       {"https://u@auth.example.com", audience, verifier.Options{}},
		"no audience":                                 {good, "", verifier.Options{}},
		"alg none":                                    {good, audience, verifier.Options{Algorithms: []string{"none"}}},
		"alg HS256":                                   {good, audience, verifier.Options{Algorithms: []string{"HS256"}}},
		"a base URL without a host":                   {good, audience, verifier.Options{BaseURL: "/api"}},
		"a base URL of another kind":                  {good, audience, verifier.Options{BaseURL: "ftp://api.example.com"}},
		"a base URL with a query":                     {good, audience, verifier.Options{BaseURL: "https://api.example.com?"}},
		"a base URL with a user":                      {good, audience, verifier.Options{BaseURL: "https://u@api.example.com"}},
		"a base URL beyond ASCII":                     {good, audience, verifier.Options{BaseURL: "https://bücher.example"}},
		"one bad base URL of two":                     {good, audience, verifier.Options{BaseURL: "https://api.example.com", OtherBaseURLs: []string{"api.example.com"}}},
		"a base URL without DPoP":                     {good, audience, verifier.Options{BaseURL: "https://api.example.com", NoDPoP: true}},
		"a name for an audience, and no base URL":     {good, "my-api", verifier.Options{}},
		"a URN for an audience, and no base URL":      {good, "urn:example:api", verifier.Options{}},
		"an address without a scheme for an audience": {good, "api.example.com:443", verifier.Options{}},
	} {
		if v, err := verifier.New(c.issuer, c.audience, c.o); err == nil {
			v.Close()
			t.Errorf("%s is taken", name)
		}
	}
}

func TestNewTakes(t *testing.T) {
	const good = "https://auth.example.com"
	for name, c := range map[string]struct {
		audience string
		o        verifier.Options
	}{
		"a URL for an audience":               {audience, verifier.Options{}},
		"a name for an audience with a URL":   {"my-api", verifier.Options{BaseURL: "https://api.example.com:8443/v1/"}},
		"a name for an audience with URLs":    {"my-api", verifier.Options{OtherBaseURLs: []string{"https://a.example.com", "https://b.example.com"}}},
		"a name for an audience without DPoP": {"my-api", verifier.Options{NoDPoP: true}},
		"a URL for an audience without DPoP":  {audience, verifier.Options{NoDPoP: true}},
	} {
		v, err := verifier.New(good, c.audience, c.o)
		if err != nil {
			t.Errorf("%s is refused: %v", name, err)
			continue
		}
		v.Close()
	}
}

// Of several claims that are missing, the error names the same one each time.
func TestTheFirstMissingClaimIsNamed(t *testing.T) {
	i := newIssuer(t)
	v, token := i.verifier(nil), i.token(map[string]any{"sub": nil, "client_id": nil, "jti": nil})
	for range 20 {
		if _, err := v.Verify(t.Context(), token); err == nil || !strings.Contains(err.Error(), "it has no sub") {
			t.Fatal(err)
		}
	}
}
