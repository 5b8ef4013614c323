package assertions

import (
	"regexp"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func TestClaim(t *testing.T) {
	claims := map[string]any{
		"repository": "acme/shop", "a/b": "slash", "": "empty",
		"kubernetes.io": map[string]any{"namespace": "shop", "x/y": []any{"zero", "one"}},
	}
	for path, want := range map[string]any{
		"repository": "acme/shop", "a/b": "slash", "/repository": "acme/shop", "/a~1b": "slash", "/kubernetes.io/namespace": "shop", "/kubernetes.io/x~1y/1": "one",
		"kubernetes.io/namespace": nil, "/kubernetes.io/x~1y/2": nil, "/kubernetes.io/x~1y/01": nil, "/kubernetes.io/x~1y/-1": nil, "/repository/0": nil, "nothing": nil,
	} {
		if got, ok := Claim(claims, path); got != want || ok != (want != nil) {
			t.Errorf("%s is %v, %t, want %v", path, got, ok, want)
		}
	}
}

func TestMatches(t *testing.T) {
	for _, test := range []struct {
		pattern, text string
		want          bool
	}{
		{"acme/*", "acme/shop", true}, {"acme/*", "acme/", true}, {"acme/*", "evil/acme/", false}, {"acme/*", "acme", false}, {"*", "", true}, {"", "", true}, {"", "x", false},
		{"system:serviceaccount:shop:*", "system:serviceaccount:shop:orders", true}, {"a?c", "abc", true}, {"a?c", "ac", false}, {"*b*", "abc", true}, {"a*b*c", "aXbYbZc", true},
		{"[ab]", "a", false}, {"[ab]", "[ab]", true}, {"refs/heads/main", "refs/heads/main2", false}, {"a.c", "abc", false},
	} {
		if got := Matches(test.pattern, test.text); got != test.want {
			t.Errorf("%q of %q: %t", test.pattern, test.text, got)
		}
	}
}

// A pattern means what the regular expression that it stands for means.
func TestMatchesIsARegularExpression(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.StringOf(rapid.RuneFrom([]rune("ab/*?.")))
		pattern, against := text.Draw(t, "pattern"), text.Draw(t, "text")
		expression := regexp.QuoteMeta(pattern)
		expression = strings.ReplaceAll(strings.ReplaceAll(expression, `\*`, "(?s:.*)"), `\?`, "(?s:.)")
		if want := regexp.MustCompile(`\A` + expression + `\z`).MatchString(against); Matches(pattern, against) != want {
			t.Fatalf("%q of %q: want %t", pattern, against, want)
		}
	})
}
