package storetest

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"authserver/internal/store"
)

func eventOnce(t *testing.T, open Open) {
	ctx, s := migrated(t, open)
	e := store.Event{At: at(0), Type: store.KeyActivated, Actor: By().Actor, Once: "key.activated one", Details: store.EventDetails{ID: "one"}}
	handles := []store.Store{s, open(), open()}
	for _, err := range concurrently(9, func(i int) error { return handles[i%3].RecordEvent(ctx, e) }) {
		ok(t, err)
	}
	e.Once = "key.activated two"
	ok(t, s.RecordEvent(ctx, e))
	same(t, len(eventsOf(t, ctx, s, store.KeyActivated)), 2)
}

func eventList(t *testing.T, ctx context.Context, s store.Store) {
	for n := range 6 {
		e := store.Event{
			At: at(time.Duration(n) * time.Second), Type: []store.EventType{"client.updated", "clients.x", "user.updated"}[n%3],
			Actor: store.Actor{Type: []store.ActorType{store.ActorOperator, store.ActorServer}[n%2], ID: []string{"a", "b"}[n%2]},
		}
		e.ClientID, e.UserID, e.Family, e.RequestID = fmt.Sprint("c", n%2), fmt.Sprint("u", n%3), fmt.Sprint("f", n), fmt.Sprint("r", n)
		ok(t, s.RecordEvent(ctx, e))
	}
	list := func(f store.EventFilter) (found []string) {
		if f.Limit == 0 {
			f.Limit = 10
		}
		for _, e := range must[[]store.Event](t)(s.ListEvents(ctx, f)) {
			found = append(found, e.Family)
		}
		return found
	}
	for name, c := range map[string]struct {
		filter store.EventFilter
		want   []string
	}{
		"all":               {store.EventFilter{}, []string{"f0", "f1", "f2", "f3", "f4", "f5"}},
		"of a client":       {store.EventFilter{ClientID: "c1"}, []string{"f1", "f3", "f5"}},
		"of a user":         {store.EventFilter{UserID: "u2"}, []string{"f2", "f5"}},
		"of a family":       {store.EventFilter{Family: "f4"}, []string{"f4"}},
		"of a request":      {store.EventFilter{RequestID: "r3"}, []string{"f3"}},
		"by an actor":       {store.EventFilter{Actor: store.Actor{ID: "a"}}, []string{"f0", "f2", "f4"}},
		"by a kind":         {store.EventFilter{Actor: store.Actor{Type: store.ActorServer}}, []string{"f1", "f3", "f5"}},
		"by neither":        {store.EventFilter{Actor: store.Actor{Type: store.ActorServer, ID: "a"}}, nil},
		"of a type":         {store.EventFilter{Type: "client.updated"}, []string{"f0", "f3"}},
		"of a noun":         {store.EventFilter{Type: "client"}, []string{"f0", "f3"}},
		"since":             {store.EventFilter{Since: at(4 * time.Second)}, []string{"f4", "f5"}},
		"the oldest":        {store.EventFilter{Limit: 2}, []string{"f0", "f1"}},
		"the newest":        {store.EventFilter{Limit: 2, Newest: true}, []string{"f4", "f5"}},
		"two of several":    {store.EventFilter{ClientID: "c1", UserID: "u2"}, []string{"f5"}},
		"a type of no noun": {store.EventFilter{Type: "cli"}, nil},
	} {
		if diff := cmp.Diff(c.want, list(c.filter)); diff != "" {
			t.Errorf("%s (-want +got)\n%s", name, diff)
		}
	}
	third := must[[]store.Event](t)(s.ListEvents(ctx, store.EventFilter{Family: "f2", Limit: 1}))[0]
	same(t, list(store.EventFilter{After: third.ID}), []string{"f3", "f4", "f5"})
	if _, err := s.ListEvents(ctx, store.EventFilter{Limit: store.MaxPage + 1}); err == nil {
		t.Error("a page without bounds was read")
	}
}

func eventSweep(t *testing.T, ctx context.Context, s store.Store) {
	for n := range 10 {
		ok(t, s.RecordEvent(ctx, store.Event{At: at(time.Duration(n) * time.Hour), Type: "x.y", Actor: By().Actor}))
	}
	same(t, must[int](t)(s.SweepEvents(ctx, at(0), 10)), 0)
	same(t, must[int](t)(s.SweepEvents(ctx, at(5*time.Hour), 3)), 3)
	same(t, must[int](t)(s.SweepEvents(ctx, at(5*time.Hour), 3)), 2)
	same(t, must[int](t)(s.SweepEvents(ctx, at(5*time.Hour), 3)), 0)
	left := eventsOf(t, ctx, s, "x.y")
	same(t, len(left), 5)
	same(t, left[0].At, at(5*time.Hour))
}

func eventBounded(t *testing.T, ctx context.Context, s store.Store) {
	c := aClient("web")
	c.Claims = map[string]any{"big": strings.Repeat("x", 1<<20)}
	for n := range 2000 {
		c.Permissions = append(c.Permissions, fmt.Sprintf("permission-%d", n))
	}
	c.Name = strings.Repeat("n", 1000)
	ok(t, s.CreateClient(ctx, c, as("c.made")))
	if text := must[[]byte](t)(json.Marshal(eventsOf(t, ctx, s, "c.made"))); len(text) > 16<<10 || !strings.Contains(string(text), `"after_bytes"`) {
		t.Errorf("an event has %d bytes", len(text))
	}
}

// A change and its consequences are listed in their order, however soon they follow each other: by
// their moments, and for equal moments in the order of recording.
func eventOrder(t *testing.T, ctx context.Context, s store.Store) {
	var want []string
	for n := range 60 {
		e := store.Event{At: at(time.Duration(n/3) * time.Microsecond), Type: "x.happened", Actor: By().Actor, Details: store.EventDetails{ID: fmt.Sprint(n)}}
		ok(t, s.RecordEvent(ctx, e))
		want = append(want, e.Details.ID)
	}
	var got []string
	for _, e := range eventsOf(t, ctx, s, "x.happened") {
		got = append(got, e.Details.ID)
	}
	same(t, got, want)
}
