package keys_test

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"authserver/internal/keys"
)

// names replaces each kid by its position in the chain, so that output can be compared.
func names(t *testing.T, st *memory, v any) string {
	t.Helper()
	b, err := json.MarshalIndent(v, "", " ")
	if err != nil {
		t.Fatal(err)
	}
	text := string(b)
	for i, k := range st.signing {
		text = strings.ReplaceAll(text, k.KID, []string{"first", "second", "third"}[i])
	}
	return text
}

func TestListShowsEveryStateAsJSON(t *testing.T) {
	st, c := &memory{}, newClock()
	m := newManager(t, st, c)
	load(t, m)
	tick(t, m)
	c.advance(24*time.Hour + 90*time.Second)
	tick(t, m)
	signerOf(t, m, keys.ES256)
	if err := m.FlushUse(t.Context()); err != nil {
		t.Fatal(err)
	}
	reader := &keys.Manager{Store: st, Timeline: timeline(), Algorithms: m.Algorithms, Now: c.Now}
	list, err := reader.List(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	want := `[
 {
  "kid": "first",
  "alg": "ES256",
  "state": "retired",
  "published_at": "2026-03-01T12:00:00Z",
  "active_at": "2026-03-01T12:00:00Z",
  "retired_at": "2026-03-02T12:00:00Z",
  "removed_at": "2026-03-02T12:16:00Z",
  "last_used_at": null,
  "next_event": "remove",
  "next_at": "2026-03-02T12:16:00Z",
  "certificates": 0
 },
 {
  "kid": "second",
  "alg": "ES256",
  "state": "active",
  "published_at": "2026-03-01T12:00:00Z",
  "active_at": "2026-03-02T12:00:00Z",
  "retired_at": "2026-03-03T12:00:00Z",
  "removed_at": "2026-03-03T12:16:00Z",
  "last_used_at": "2026-03-02T12:01:00Z",
  "next_event": "retire",
  "next_at": "2026-03-03T12:00:00Z",
  "certificates": 0
 },
 {
  "kid": "third",
  "alg": "ES256",
  "state": "pending",
  "published_at": "2026-03-02T12:01:30Z",
  "active_at": "2026-03-03T12:00:00Z",
  "retired_at": null,
  "removed_at": null,
  "last_used_at": null,
  "next_event": "activate",
  "next_at": "2026-03-03T12:00:00Z",
  "certificates": 0
 }
]`
	if diff := cmp.Diff(want, names(t, st, list)); diff != "" {
		t.Errorf("list (-want +got): %s", diff)
	}
	c.advance(15 * time.Minute)
	if list, err = reader.List(t.Context()); err != nil || len(list) != 2 {
		t.Errorf("%d keys and error %v once one is removed, want 2", len(list), err)
	}
}

// Every key has every member, so that a script finds it.
func TestWhatIsNotKnownYetIsNull(t *testing.T) {
	st := &memory{}
	m := newManager(t, st, newClock())
	load(t, m)
	list, err := m.List(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	want := `[
 {
  "kid": "first",
  "alg": "ES256",
  "state": "active",
  "published_at": "2026-03-01T12:00:00Z",
  "active_at": "2026-03-01T12:00:00Z",
  "retired_at": null,
  "removed_at": null,
  "last_used_at": null,
  "next_event": null,
  "next_at": null,
  "certificates": 0
 }
]`
	if diff := cmp.Diff(want, names(t, st, list)); diff != "" {
		t.Errorf("list (-want +got): %s", diff)
	}
}

func TestPlannedShowsWhatIsToCome(t *testing.T) {
	st, c := &memory{}, newClock()
	m := newManager(t, st, c)
	load(t, m)
	tick(t, m)
	c.advance(24*time.Hour + 90*time.Second)
	reader := &keys.Manager{Store: st, Timeline: timeline(), Algorithms: m.Algorithms, Now: c.Now}
	plan, err := reader.Planned(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	at := func(day, hour, minute, second int) time.Time {
		return time.Date(2026, 3, day, hour, minute, second, 0, time.UTC)
	}
	first, second := st.signing[0].KID, st.signing[1].KID
	want := []keys.Event{
		{At: at(2, 12, 1, 30), Alg: "ES256", Event: "publish"},
		{At: at(2, 12, 16, 0), KID: first, Alg: "ES256", Event: "remove"},
		{At: at(3, 12, 0, 0), Alg: "ES256", Event: "activate"},
		{At: at(3, 12, 0, 0), KID: second, Alg: "ES256", Event: "retire"},
		{At: at(3, 12, 16, 0), KID: second, Alg: "ES256", Event: "remove"},
	}
	if diff := cmp.Diff(want, plan); diff != "" {
		t.Errorf("plan (-want +got): %s", diff)
	}
	tick(t, m)
	if plan, err = reader.Planned(t.Context()); err != nil {
		t.Fatal(err)
	}
	// The foreseen handover has happened, and the next one is foreseen.
	want = []keys.Event{
		{At: at(2, 12, 16, 0), KID: "first", Alg: "ES256", Event: "remove"},
		{At: at(3, 12, 0, 0), KID: "third", Alg: "ES256", Event: "activate"},
		{At: at(3, 12, 0, 0), Alg: "ES256", Event: "publish"},
		{At: at(3, 12, 0, 0), KID: "second", Alg: "ES256", Event: "retire"},
		{At: at(3, 12, 16, 0), KID: "second", Alg: "ES256", Event: "remove"},
		{At: at(4, 12, 0, 0), Alg: "ES256", Event: "activate"},
		{At: at(4, 12, 0, 0), KID: "third", Alg: "ES256", Event: "retire"},
		{At: at(4, 12, 16, 0), KID: "third", Alg: "ES256", Event: "remove"},
	}
	wanted, err := json.MarshalIndent(want, "", " ")
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(wanted), names(t, st, plan)); diff != "" {
		t.Errorf("plan (-want +got): %s", diff)
	}
}

func TestAnEmptyDatabaseListsAnEmptyArray(t *testing.T) {
	reader := &keys.Manager{Store: &memory{}, Timeline: timeline(), Algorithms: []string{keys.ES256}, Now: newClock().Now}
	list, err := reader.List(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	plan, err := reader.Planned(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if got := names(t, &memory{}, list) + names(t, &memory{}, plan); got != "[][]" {
		t.Errorf("got %s, want empty arrays", got)
	}
}
