package assertions

import (
	"testing"

	"authserver/internal/store"
)

// Explain makes every check, also after one that failed, and says what to change.
func TestExplainClaims(t *testing.T) {
	required := []string{"run_id"}
	patterns := []store.ClaimPattern{{"repository": "acme/shop", "ref": "refs/heads/main"}, {"repository": "acme/*", "ref": "refs/tags/v*"}}
	tests := []struct {
		name     string
		claims   map[string]any
		missing  string // the change for the check "claims"; "": it passes
		patterns string // the same for "patterns"
	}{
		{"all right", map[string]any{"run_id": "1", "repository": "acme/shop", "ref": "refs/heads/main"}, "", ""},
		{"by the other pattern", map[string]any{"run_id": "1", "repository": "acme/x", "ref": []any{"x", "refs/tags/v1"}}, "", ""},
		{"without the claim that is required", map[string]any{"repository": "acme/shop", "ref": "refs/heads/main"}, "have the issuer add it, or require it no more", ""},
		{
			"both wrong",
			map[string]any{"repository": "acme/x", "ref": "refs/heads/dev"},
			"have the issuer add it, or require it no more",
			"compare the claims with the patterns of the registration: ref is not refs/heads/main and repository is not acme/shop; or ref is not refs/tags/v*",
		},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			issuer := newIssuer(t)
			issuer.RequiredClaims, issuer.Patterns = required, patterns
			p := must(Parse(e1(t, test.claims), GrantTypes()))
			findings, err := newVerifier().Explain(t.Context(), noon, p, OfIssuer(issuer, []string{self}))
			if err != nil {
				t.Fatal(err)
			}
			changes := make(map[string]string)
			for _, f := range findings {
				changes[f.Check] = f.Change
				if f.Passed != (f.Change == "") {
					t.Errorf("%s: passed is %t, and the change %q", f.Check, f.Passed, f.Change)
				}
			}
			want := map[string]string{"claims": test.missing, "patterns": test.patterns}
			for name, change := range want {
				if got, ok := changes[name]; !ok || got != change {
					t.Errorf("%s: the change is %q, want %q", name, got, change)
				}
			}
		})
	}
}
