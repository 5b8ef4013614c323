package verifier_test

import (
	"strings"
	"testing"

	"authserver/verifier"
)

func TestTokensOfTypJWTAreTakenWhereThatIsSaid(t *testing.T) {
	i := newIssuer(t)
	token := func(typ string, change map[string]any) string {
		return sign(t, "ES256", i.keys["one"], map[string]any{"kid": "one", "typ": typ}, i.claims(change))
	}
	usual := i.verifier(nil)
	both := i.verifier(func(o *verifier.Options) { o.TokenTypes = []string{"at+jwt", "JWT"} })
	plain := i.verifier(func(o *verifier.Options) { o.TokenTypes = []string{"JWT"} })
	for _, test := range []struct {
		typ                string
		usual, both, plain bool
	}{
		{"at+jwt", true, true, false},
		{"application/at+jwt", true, true, false},
		{"JWT", false, true, true},
		{"jwt", false, true, true},
		{"", false, false, false},
		{"logout+jwt", false, false, false},
		{"dpop+jwt", false, false, false},
		{"client-authentication+jwt", false, false, false},
	} {
		for name, v := range map[string]struct {
			*verifier.Verifier
			good bool
		}{"usual": {usual, test.usual}, "both": {both, test.both}, "plain": {plain, test.plain}} {
			if _, err := v.Verify(t.Context(), token(test.typ, nil)); (err == nil) != v.good {
				t.Errorf("typ %q, %s: %v", test.typ, name, err)
			}
		}
	}
	// These are the other JWTs of an issuer, whose audience may be ours if a client has the name of
	// the API.
	for name, change := range map[string]map[string]any{
		"an ID token":                                {"client_id": nil, "jti": nil, "scope": nil, "nonce": "n", "azp": "web"},
		"an ID token with a client_id and a jti":     {"nonce": "n"},
		"an ID token beside a code":                  {"c_hash": "h"},
		"an ID token beside an access token":         {"at_hash": "h"},
		"an ID token beside a state":                 {"s_hash": "h"},
		"an ID token that names whom it is made for": {"azp": "web"},
		"a logout token":                             {"events": map[string]any{}},
		"an assertion":                               {"client_id": nil},
	} {
		if _, err := both.Verify(t.Context(), token("JWT", change)); err == nil {
			t.Errorf("%s is taken", name)
		}
	}
	for _, typ := range []string{"jwt", "", "at+JWT", "application/jwt", "dpop+jwt"} {
		if _, err := verifier.New(i.url, audience, verifier.Options{TokenTypes: []string{typ}}); err == nil || !strings.Contains(err.Error(), "token types at+jwt, JWT") {
			t.Errorf("type %q: %v", typ, err)
		}
	}
}
