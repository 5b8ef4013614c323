package main

import (
	"strings"
	"testing"

	"authserver/internal/admin"
)

func TestAnEventHasNoReasonThatSaysNothingNew(t *testing.T) {
	for _, c := range []struct {
		kind, reason string
		shown        bool
	}{
		{"client.created", "client_created", false},
		{"user.deleted", "user_deleted", false},
		{"refresh_token.reused", "refresh_reused", false},
		{"client.created", "", false},
		{"client.updated", "client_disabled", true},
		{"user.updated", "password_changed", true},
		{"family.revoked", "client_deleted", true},
		{"tokens.revoked", "revoked_by_client", true},
		{"key.revoked", "key was on a stolen laptop", true},
	} {
		var line strings.Builder
		if err := printEvent(&line, admin.Event{Type: c.kind, Reason: c.reason}); err != nil {
			t.Fatal(err)
		}
		if shown := strings.Contains(line.String(), "because "+c.reason); shown != c.shown {
			t.Errorf("%s with the reason %q is shown as %q", c.kind, c.reason, line.String())
		}
	}
}
