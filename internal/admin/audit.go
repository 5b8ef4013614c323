package admin

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"authserver/internal/events"
	"authserver/internal/store"
)

// Event is an event of the audit, for display. Empty members are left out.
type Event struct {
	ID        string         `json:"id"` // sorts by at
	At        time.Time      `json:"at"`
	Type      string         `json:"type"`
	ActorType string         `json:"actor_type"`
	ActorID   string         `json:"actor_id"`
	ClientID  string         `json:"client_id,omitempty"` // the client that it is about
	UserID    string         `json:"user_id,omitempty"`   // the user that it is about
	Family    string         `json:"family,omitempty"`    // the family of refresh tokens that it is about
	RequestID string         `json:"request_id,omitempty"`
	ObjectID  string         `json:"object_id,omitempty"` // of an object other than a client, user or family, such as a key
	Name      string         `json:"name,omitempty"`      // of its object, such as a username
	Reason    string         `json:"reason,omitempty"`
	Changes   []ChangedField `json:"changes,omitempty"` // in the order of the fields' names
	// The generation of the refresh token that was presented, and that of its family.
	Presented  uint32 `json:"presented_generation,omitempty"`
	Generation uint32 `json:"generation,omitempty"`
}

// ChangedField is a field before and after. A missing value is null.
type ChangedField struct {
	Field string `json:"field"`
	store.FieldChange
}

// EventQuery selects events. An empty member selects all.
type EventQuery struct {
	User      string    `field:"user"` // an id, or one of the user's names
	Client    string    `field:"client"`
	Family    string    `field:"family"`
	RequestID string    `field:"request_id"`
	Actor     string    `field:"actor"` // an id, a type such as "operator", or both as "operator:ID"
	Type      string    `field:"type"`  // such as "client.updated", or "client" for all of clients
	Since     time.Time `field:"since"`
	After     string    `field:"after"` // the ID of an event
	Limit     int       `field:"limit"` // the oldest ones after Since or After; without either, the newest ones
}

// Audit shows the events, with their actors.
type Audit struct {
	Store interface {
		ListEvents(ctx context.Context, f store.EventFilter) ([]store.Event, error)
	}
	Users UserFinder
	Now   func() time.Time
}

// List lists events of the audit, the oldest first.
func (a *Audit) List(ctx context.Context, _ Call, q EventQuery) ([]Event, error) {
	filter, err := a.filter(ctx, q)
	if err != nil {
		return nil, err
	}
	found, err := a.Store.ListEvents(ctx, filter)
	if err != nil {
		return nil, fmt.Errorf("list the events: %w", err)
	}
	return viewEvents(found), nil
}

// followEvery is the poll interval of [Audit.Follow].
const followEvery = time.Second

// Follow is List, and then calls each for every new event, until ctx ends or each returns an error.
func (a *Audit) Follow(ctx context.Context, _ Call, q EventQuery, each func(Event) error) error {
	filter, err := a.filter(ctx, q)
	if err != nil {
		return err
	}
	found, err := a.Store.ListEvents(ctx, filter)
	if err != nil {
		return fmt.Errorf("list the events: %w", err)
	}
	follower := &events.Follower{Store: a.Store, Filter: filter, Now: a.Now}
	if follower.Filter.After == "" {
		follower.Filter.After = events.Before(a.Now())
	}
	for _, e := range found {
		follower.Saw(e)
	}
	tick := time.NewTicker(followEvery)
	defer tick.Stop()
	for {
		for _, e := range viewEvents(found) {
			if err := each(e); err != nil {
				return err
			}
		}
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
		if found, err = follower.Next(ctx); err != nil && ctx.Err() == nil {
			return fmt.Errorf("list the events: %w", err)
		}
	}
}

func (a *Audit) filter(ctx context.Context, q EventQuery) (store.EventFilter, error) {
	f := store.EventFilter{
		ClientID: q.Client, Family: strings.ToLower(q.Family), RequestID: q.RequestID, Type: q.Type, Since: store.At(q.Since),
		After: q.After, Limit: q.Limit, Newest: q.Since.IsZero() && q.After == "",
	}
	var asked form
	if err := f.Page().Check(); err != nil {
		asked.fault("limit", CodeInvalid, "%v", err)
	}
	if q.After != "" && !events.IsID(q.After) {
		asked.fault("after", CodeInvalid, "%q is not the id of an event: %v lists events with their ids as JSON", q.After, Operation{Noun: "audit", Verb: "list"})
	}
	if q.Type != "" && !knownEvents(q.Type) {
		asked.fault("type", CodeUnsupported, "%q is not known: choose from %s", q.Type, eventTypes())
	}
	if err := asked.result(); err != nil {
		return f, err
	}
	f.Actor = eventActor(q.Actor)
	if q.User == "" {
		return f, nil
	}
	u, err := a.Users.find(ctx, q.User)
	switch {
	case err == nil:
		f.UserID = u.ID
	case errors.Is(err, store.ErrNotFound):
		f.UserID = q.User // for a deleted user only the id remains
	default:
		return f, err
	}
	return f, nil
}

// eventActor reads a type, an id, or both.
func eventActor(text string) store.Actor {
	types := []store.ActorType{store.ActorOperator, store.ActorServer, store.ActorClient, store.ActorUser}
	kind, id, both := strings.Cut(text, ":")
	switch {
	case !slices.Contains(types, store.ActorType(kind)):
		return store.Actor{ID: text}
	case both:
		return store.Actor{Type: store.ActorType(kind), ID: id}
	}
	return store.Actor{Type: store.ActorType(kind)}
}

func knownEvents(kind string) bool {
	return slices.ContainsFunc(store.EventTypes(), func(t store.EventType) bool {
		return string(t) == kind || strings.HasPrefix(string(t), kind+".")
	})
}

func eventTypes() string {
	names := make([]string, 0, len(store.EventTypes()))
	for _, t := range store.EventTypes() {
		names = append(names, string(t))
	}
	return strings.Join(names, ", ")
}

func viewEvents(found []store.Event) []Event {
	views := make([]Event, 0, len(found))
	for _, e := range found {
		d := e.Details
		view := Event{
			ID: e.ID, At: e.At, Type: string(e.Type), ActorType: string(e.Actor.Type), ActorID: e.Actor.ID,
			ClientID: e.ClientID, UserID: e.UserID, Family: e.Family, RequestID: e.RequestID,
			ObjectID: d.ID, Name: d.Name, Reason: d.Reason, Presented: d.Presented, Generation: d.Generation,
		}
		for field, change := range d.Changes {
			view.Changes = append(view.Changes, ChangedField{Field: field, FieldChange: change})
		}
		slices.SortFunc(view.Changes, func(a, b ChangedField) int { return strings.Compare(a.Field, b.Field) })
		views = append(views, view)
	}
	return views
}
