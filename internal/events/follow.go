package events

import (
	"context"
	"time"

	"authserver/internal/store"
)

// lateness is longer than an event takes from its moment to its commit. An event that was committed
// late has a lower ID than some that were read already.
const lateness = 30 * time.Second

// Follower reads new events.
type Follower struct {
	Store interface {
		ListEvents(ctx context.Context, f store.EventFilter) ([]store.Event, error)
	}
	Filter store.EventFilter // what to follow; After is where the follower begins
	Now    func() time.Time

	seen map[string]time.Time // events that it may read a second time
}

// Next returns the new events since the last call, in the order of their IDs.
func (f *Follower) Next(ctx context.Context) ([]store.Event, error) {
	if f.seen == nil {
		f.seen = map[string]time.Time{}
	}
	var fresh []store.Event
	page := f.Filter
	page.Limit, page.Newest = store.MaxPage, false
	for {
		batch, err := f.Store.ListEvents(ctx, page)
		if err != nil {
			return nil, err
		}
		for _, e := range batch {
			if _, again := f.seen[e.ID]; !again {
				fresh = append(fresh, e)
				f.seen[e.ID] = e.At
			}
			page.After = e.ID
		}
		if len(batch) < page.Limit {
			break
		}
	}
	f.forget()
	return fresh, nil
}

// Saw marks an event that Next need not return.
func (f *Follower) Saw(e store.Event) {
	if f.seen == nil {
		f.seen = map[string]time.Time{}
	}
	f.seen[e.ID] = e.At
	f.Filter.After = max(f.Filter.After, Before(e.At.Add(-lateness)))
}

// forget moves the start to a point before which no event can come late any more.
func (f *Follower) forget() {
	over := f.Now().Add(-lateness)
	for id, at := range f.seen {
		if at.Before(over) {
			delete(f.seen, id)
		}
	}
	if from := Before(over); from > f.Filter.After {
		f.Filter.After = from
	}
}
