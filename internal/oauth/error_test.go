package oauth_test

import (
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"authserver/internal/oauth"
	"authserver/internal/testkit"
)

// TestCodes: every declared code is a value of the label of the metrics.
func TestCodes(t *testing.T) {
	var listed []string
	for _, code := range oauth.Codes() {
		listed = append(listed, string(code))
	}
	declared := testkit.Constants(t, "error.go", "Code")
	slices.Sort(listed)
	slices.Sort(declared)
	if diff := cmp.Diff(declared, listed); diff != "" {
		t.Errorf("Codes differs from the declared codes (-declared +Codes):\n%s", diff)
	}
}
