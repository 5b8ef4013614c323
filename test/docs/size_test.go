package docs

import (
	"os"
	"path/filepath"
	"testing"
)

const largestReadme = 8 << 10 // bytes

// TestSizes: a reader decides within a minute whether README.md is worth more of
// that time, so it stays short.
func TestSizes(t *testing.T) {
	text, err := os.ReadFile(filepath.Join(root, "README.md"))
	if err != nil {
		t.Fatal(err)
	}
	if len(text) > largestReadme {
		t.Errorf("README.md has %d bytes, and at most %d are allowed: move something to docs/", len(text), largestReadme)
	}
}
