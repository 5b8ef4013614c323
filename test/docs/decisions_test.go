package docs

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestDecisionsThatAreNone: the index refuses a file that is not a decision.
func TestDecisionsThatAreNone(t *testing.T) {
	const whole = "# Title\n\n**Context.** a\n\n**Decision.** b\n\n**Why.** c\n"
	for name, test := range map[string]struct {
		files map[string]string
		want  string // "": none
	}{
		"a decision":                 {map[string]string{"01-a.md": whole}, ""},
		"no number":                  {map[string]string{"a.md": whole}, "with a number of its own"},
		"a number that stands twice": {map[string]string{"01-a.md": whole, "01-b.md": whole}, "with a number of its own"},
		"no reason":                  {map[string]string{"01-a.md": strings.ReplaceAll(whole, "**Why.** ", "")}, "has no part **Why.**"},
	} {
		t.Run(name, func(t *testing.T) {
			root := t.TempDir()
			folder := filepath.Join(root, "docs", "decisions")
			if err := os.MkdirAll(folder, 0o700); err != nil {
				t.Fatal(err)
			}
			for file, text := range test.files {
				if err := os.WriteFile(filepath.Join(folder, file), []byte(text), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			_, err := decisionsIndex(root)
			if test.want == "" && err != nil || test.want != "" && (err == nil || !strings.Contains(err.Error(), test.want)) {
				t.Errorf("the error is %v, want %q", err, test.want)
			}
		})
	}
}
