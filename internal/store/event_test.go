package store_test

import (
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"authserver/internal/store"
	"authserver/internal/testkit"
)

// TestEventTypes: every declared type can be selected in the audit.
func TestEventTypes(t *testing.T) {
	var listed []string
	for _, what := range store.EventTypes() {
		listed = append(listed, string(what))
	}
	declared := testkit.Constants(t, "event.go", "EventType")
	slices.Sort(listed)
	slices.Sort(declared)
	if diff := cmp.Diff(declared, listed); diff != "" {
		t.Errorf("EventTypes differs from the declared types (-declared +EventTypes):\n%s", diff)
	}
}
