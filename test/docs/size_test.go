package docs

import (
	"os"
	"path/filepath"
	"testing"
)

// TestSizes: a reader decides within a minute whether to read on in README.md, and ARCHITECTURE.md
// is a page, so both stay short.
func TestSizes(t *testing.T) {
	for name, most := range map[string]int{"README.md": 8 << 10, "ARCHITECTURE.md": 6 << 10} { // bytes
		text, err := os.ReadFile(filepath.Join(root, name))
		if err != nil {
			t.Fatal(err)
		}
		if len(text) > most {
			t.Errorf("%s has %d bytes, and at most %d are allowed: move something to docs/", name, len(text), most)
		}
	}
}
