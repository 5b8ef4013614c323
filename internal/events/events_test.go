package events_test

import (
	"context"
	"crypto/rand"
	"errors"
	"testing"
	"time"

	"github.com/google/uuid"

	"authserver/internal/events"
	"authserver/internal/store"
)

var noon = time.Date(2026, time.March, 1, 12, 0, 0, 0, time.UTC)

func newID(t *testing.T, at time.Time) string {
	t.Helper()
	id, err := events.NewID(at, 0, rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return id
}

func TestIDsSortByTheirMoment(t *testing.T) {
	before := newID(t, noon)
	for n := range 100 {
		at := noon.Add(time.Duration(n+1) * 97 * time.Microsecond)
		id := newID(t, at)
		if before >= id || events.Before(at) > id || events.Before(at.Add(time.Millisecond)) <= id {
			t.Fatalf("%s follows %s", id, before)
		}
		next, err := events.NewID(at, 1, rand.Reader)
		if err != nil || next <= id {
			t.Fatalf("%s follows %s, %v", next, id, err)
		}
		id = next
		parsed, err := uuid.Parse(id)
		if err != nil || parsed.Version() != 7 || parsed.Variant() != uuid.RFC4122 || !events.IsID(id) {
			t.Fatalf("%s is no UUID of version 7: %v", id, err)
		}
		before = id
	}
	for _, text := range []string{"", "x", "019CA8C2-8000-7000-8000-000000000000", "{019ca8c2-8000-7000-8000-000000000000}", "' OR 1=1"} {
		if events.IsID(text) {
			t.Errorf("%q is taken for the ID of an event", text)
		}
	}
}

// table has events in the order of their IDs.
type table struct {
	rows []store.Event
	err  error
}

func (s *table) ListEvents(_ context.Context, f store.EventFilter) ([]store.Event, error) {
	var found []store.Event
	for _, e := range s.rows {
		if e.ID > f.After && len(found) < f.Limit {
			found = append(found, e)
		}
	}
	return found, s.err
}

func TestAFollowerFindsWhatCommitsLate(t *testing.T) {
	now := noon
	s := &table{}
	add := func(at time.Time) { s.rows = append(s.rows, store.Event{ID: newID(t, at), At: at}) }
	f := &events.Follower{Store: s, Filter: store.EventFilter{After: events.Before(noon)}, Now: func() time.Time { return now }}
	want := func(n int) {
		t.Helper()
		found, err := f.Next(t.Context())
		if err != nil || len(found) != n {
			t.Fatalf("%d events, want %d, error %v", len(found), n, err)
		}
	}
	add(noon.Add(-time.Second)) // from before it began
	want(0)
	add(noon.Add(10 * time.Second))
	now = noon.Add(10 * time.Second)
	want(1)
	want(0)
	s.rows = append([]store.Event{{ID: newID(t, noon.Add(5*time.Second)), At: noon.Add(5 * time.Second)}}, s.rows...) // late
	want(1)
	want(0)
	now = noon.Add(time.Hour)
	want(0)
	add(now)
	want(1)
	s.err = store.ErrUnavailable
	if _, err := f.Next(t.Context()); !errors.Is(err, store.ErrUnavailable) {
		t.Errorf("error %v, want that of the store", err)
	}
}
