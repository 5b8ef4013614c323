package assertions

import (
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

// matches is [Matches], but tries every text for each *.
func matches(pattern, text []rune) bool {
	switch {
	case len(pattern) == 0:
		return len(text) == 0
	case pattern[0] == '*':
		return matches(pattern[1:], text) || len(text) > 0 && matches(pattern, text[1:])
	}
	return len(text) > 0 && (pattern[0] == '?' || pattern[0] == text[0]) && matches(pattern[1:], text[1:])
}

func TestMatchesAsByTryingEverything(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.StringOfN(rapid.RuneFrom([]rune("ab/*?.\\[^$\n")), 0, 10, -1)
		pattern, against := text.Draw(t, "pattern"), text.Draw(t, "text")
		if want := matches([]rune(pattern), []rune(against)); Matches(pattern, against) != want {
			t.Fatalf("%q of %q: want %t", pattern, against, want)
		}
	})
}
