package oauth

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

func TestParseScope(t *testing.T) {
	tests := []struct {
		name, in string
		want     Scope
		refused  bool
	}{
		{"nothing is not given", "", nil, false},
		{"one", "read", Scope{"read"}, false},
		{"order is kept and repeats are not", "write read write", Scope{"write", "read"}, false},
		{"a URL as Google has them", "https://www.example.com/auth/x", Scope{"https://www.example.com/auth/x"}, false},
		{"two spaces", "a  b", Scope{"a", "b"}, false},
		{"a space at the end", "a ", Scope{"a"}, false},
		{"spaces everywhere", "   b a    c b ", Scope{"b", "a", "c"}, false},
		{"nothing but spaces is not given", "  ", nil, false},
		{"a line break", "a\nb", nil, true},
		{"a tab at the end", "a\t", nil, true},
		{"a space that is not ASCII", "a\u00a0b", nil, true},
		{"a quotation mark", `a"b`, nil, true},
		{"a backslash", `a\b`, nil, true},
		{"a tab", "a\tb", nil, true},
		{"not ASCII", "lesen-ä", nil, true},
		{"too long", strings.Repeat("a", MaxScopeLength+1), nil, true},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			got, err := ParseScope(test.in)
			if (err != nil) != test.refused {
				t.Fatalf("error %v, want refused %v", err, test.refused)
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestScopeAlgebra(t *testing.T) {
	token := rapid.StringMatching(`[a-c]`)
	rapid.Check(t, func(t *rapid.T) {
		a, err := NewScope(rapid.SliceOf(token).Draw(t, "a")...)
		if err != nil {
			t.Fatal(err)
		}
		b, err := NewScope(rapid.SliceOf(token).Draw(t, "b")...)
		if err != nil {
			t.Fatal(err)
		}
		both := a.Intersect(b)
		if !both.IsSubsetOf(a) || !both.IsSubsetOf(b) {
			t.Errorf("%q and %q have %q in common, which is not within both", a, b, both)
		}
		if a.IsSubsetOf(b) != (len(both) == len(a)) {
			t.Errorf("%q within %q is %v", a, b, a.IsSubsetOf(b))
		}
		again, err := ParseScope(a.String())
		if err != nil || !again.IsSubsetOf(a) || !a.IsSubsetOf(again) {
			t.Errorf("%q is read again as %q, %v", a, again, err)
		}
	})
}
