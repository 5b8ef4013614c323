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
	Name      string         `json:"name,omitempty"`      // of its object, such as a username; else that of its user now
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
	Users   UserFinder
	Clients store.Clients
	Now     func() time.Time
}

// List lists events of the audit, the oldest first. If none matches what the query names, it warns.
func (a *Audit) List(ctx context.Context, _ Call, q EventQuery) ([]Event, []Fault, error) {
	filter, err := a.filter(ctx, q)
	if err != nil {
		return nil, nil, err
	}
	found, warnings, err := a.list(ctx, filter, q)
	if err != nil {
		return nil, nil, err
	}
	views, err := a.view(ctx, found)
	return views, warnings, err
}

func (a *Audit) list(ctx context.Context, f store.EventFilter, q EventQuery) (found []store.Event, warnings []Fault, err error) {
	if found, err = a.Store.ListEvents(ctx, f); err != nil {
		return nil, nil, fmt.Errorf("list the events: %w", err)
	}
	if len(found) == 0 {
		warnings, err = a.unmatched(ctx, q)
	}
	return found, warnings, err
}

// followEvery is the poll interval of [Audit.Follow].
const followEvery = time.Second

// Follow gives what List returns to each, and then the new events, until ctx ends or each returns an
// error.
func (a *Audit) Follow(ctx context.Context, _ Call, q EventQuery, each func([]Event, []Fault) error) error {
	filter, err := a.filter(ctx, q)
	if err != nil {
		return err
	}
	found, warnings, err := a.list(ctx, filter, q)
	if err != nil {
		return err
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
		views, err := a.view(ctx, found)
		if err == nil {
			err = each(views, warnings)
		}
		if err != nil {
			return err
		}
		warnings = nil
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
		ClientID: q.Client, RequestID: q.RequestID, Type: q.Type, Since: store.At(q.Since),
		After: q.After, Limit: q.Limit, Newest: q.Since.IsZero() && q.After == "",
	}
	var asked form
	if err := f.Page().Check(); err != nil {
		asked.fault("limit", CodeInvalid, "%v", err)
	}
	if q.After != "" && !events.IsID(q.After) {
		asked.fault("after", CodeInvalid, "%q is not the id of an event: %v lists events with their ids as JSON", q.After, Operation{Noun: "audit", Verb: "list"})
	}
	if q.Family != "" {
		id, ok := store.ParseFamilyID(q.Family)
		if !ok {
			asked.fault("family", CodeInvalid, "it has to be the id of a family: 32 hexadecimal digits")
		}
		f.Family = id.String()
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
		f.UserID, err = a.deleted(ctx, q.User)
	}
	return f, err
}

// deleted returns the id of a user who was deleted, by the id or the last username.
func (a *Audit) deleted(ctx context.Context, who string) (string, error) {
	name, err := store.NormalizeName(who)
	if err != nil {
		return who, nil //nolint:nilerr // it is no username
	}
	var ids []string
	for f := (store.EventFilter{Type: string(store.UserDeleted), Limit: store.MaxPage}); ; {
		found, err := a.Store.ListEvents(ctx, f)
		if err != nil {
			return "", fmt.Errorf("list the users that were deleted: %w", err)
		}
		for _, e := range found {
			f.After = e.ID
			if e.Details.Name == name {
				ids = append(ids, e.UserID)
			}
		}
		if len(found) < f.Limit {
			break
		}
	}
	switch len(ids) {
	case 0:
		return who, nil
	case 1:
		return ids[0], nil
	}
	return "", Faults{newFault("user", CodeConflict, "%q names several users that were deleted: give the id of one: %s", who, strings.Join(ids, ", "))}
}

// unmatched warns of a query that matches nothing, and may have a typing error in what it names.
func (a *Audit) unmatched(ctx context.Context, q EventQuery) ([]Fault, error) {
	if q.User+q.Client+q.Family+q.RequestID+q.Actor == "" {
		return nil, nil
	}
	warnings := []Fault{newFault("", CodeNotFound, "no event matches")}
	unknown := func(field Field, noun, id string, look func() error) error {
		if id == "" {
			return nil
		}
		err := look()
		if !IsMissing(err) {
			return err
		}
		warnings = append(warnings, newFault(field, CodeNotFound, "there is no %s %q now: %v shows those there are, and %v those that were deleted",
			noun, id, Operation{Noun: noun, Verb: "list"}, Operation{Noun: "audit", Verb: "list"}.with("type", noun+".deleted")))
		return nil
	}
	if err := unknown("user", "user", q.User, func() error { _, err := a.Users.find(ctx, q.User); return err }); err != nil {
		return nil, err
	}
	if err := unknown("client", "client", q.Client, func() error { _, err := a.Clients.Client(ctx, q.Client); return err }); err != nil {
		return nil, err
	}
	if q.Actor != "" && eventActor(q.Actor).Type == "" {
		warnings = append(warnings, newFault("actor", CodeNotFound, "%q is read as the id of an actor, such as root@db1, because it begins with no type: %s", q.Actor, strings.Join(texts(actorTypes()), ", ")))
	}
	return warnings, nil
}

func actorTypes() []store.ActorType {
	return []store.ActorType{store.ActorOperator, store.ActorServer, store.ActorClient, store.ActorUser}
}

// eventActor reads a type, an id, or both.
func eventActor(text string) store.Actor {
	kind, id, both := strings.Cut(text, ":")
	switch {
	case !slices.Contains(actorTypes(), store.ActorType(kind)):
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

func (a *Audit) view(ctx context.Context, found []store.Event) ([]Event, error) {
	var users map[string]store.User
	views := make([]Event, 0, len(found))
	for _, e := range found {
		d := e.Details
		if d.Name == "" && e.UserID != "" { // it is about what the user has, such as a session
			u, err := once(ctx, &users, e.UserID, a.Users.Store.User)
			if err != nil {
				return nil, err
			}
			d.Name = u.Username
		}
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
	return views, nil
}
