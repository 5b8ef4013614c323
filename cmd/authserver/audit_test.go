package main

import (
	"encoding/json"
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
		{"family.revoked", "revoked_by_client", true},
		{"key.revoked", "key was on a stolen laptop", true},
	} {
		var line strings.Builder
		if err := printEvents(&line, []admin.Event{{Type: c.kind, Reason: c.reason}}); err != nil {
			t.Fatal(err)
		}
		if shown := strings.Contains(line.String(), "because "+c.reason); shown != c.shown {
			t.Errorf("%s with the reason %q is shown as %q", c.kind, c.reason, line.String())
		}
	}
}

func TestAnEventSaysWhatItDoesNotShow(t *testing.T) {
	hidden := admin.ChangedField{Field: "password"}
	hidden.Hidden = true
	large := admin.ChangedField{Field: "claims"}
	large.Before, large.AfterBytes = json.RawMessage(`"x"`), 2000
	for line, e := range map[string]admin.Event{
		"password (not shown) → (not shown, replaced)": {Changes: []admin.ChangedField{hidden}},
		"claims x → (2000 bytes)":                      {Changes: []admin.ChangedField{large}},
		"data key 1 (master key abc)":                  {Type: "data_key.created", ObjectID: "1", Name: "abc"},
	} {
		var got strings.Builder
		if err := printEvents(&got, []admin.Event{e}); err != nil || !strings.Contains(got.String(), line) {
			t.Errorf("an event is shown as %q, want %q (%v)", got.String(), line, err)
		}
	}
}

// TestEventValues: values are printed without JSON, and a lifetime in the form in which it is
// typed.
func TestEventValues(t *testing.T) {
	for value, want := range map[string]string{
		``: "-", `null`: "-", `""`: "-", `[]`: "-", `"read"`: "read", `["read","write"]`: "read write", `true`: "true", `12345678901234567890`: "12345678901234567890",
		`"720h0m0s"`: "30d", `"15m0s"`: "15m", `"1h30m0s"`: "1h30m", `"1s"`: "1s", `"1h"`: "1h", `"2026-11-30T12:28:15.198608Z"`: "2026-11-30T12:28:15Z",
		`[{"created_at":"2026-11-30T12:28:17.035278Z","id":"nx23srn3","kind":"sha256"},{"id":"b"}]`: "(created_at=2026-11-30T12:28:17Z id=nx23srn3 kind=sha256) (id=b)",
		`{"a":{"x":1},"b":null}`: "(a=(x=1) b=-)",
	} {
		if got := eventValue(json.RawMessage(value)); got != want {
			t.Errorf("%s is shown as %q, want %q", value, got, want)
		}
	}
}
