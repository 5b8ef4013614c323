package store_test

import (
	"testing"

	"authserver/internal/store"
	"authserver/internal/testkit"
)

// TestEventTypes: every declared type can be selected in the audit.
func TestEventTypes(t *testing.T) {
	testkit.CheckListed(t, "event.go", "EventType", store.EventTypes())
}
