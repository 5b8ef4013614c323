package keys

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"time"

	"authserver/internal/store"
)

// Listed is a key as `authserver key list` shows it. An unknown moment is null.
type Listed struct {
	KID         string     `json:"kid"`
	Alg         string     `json:"alg"`
	State       State      `json:"state"`
	PublishedAt *time.Time `json:"published_at"`
	ActiveAt    *time.Time `json:"active_at"`
	RetiredAt   *time.Time `json:"retired_at"`
	RemovedAt   *time.Time `json:"removed_at"`
	LastUsedAt  *time.Time `json:"last_used_at"`
	// Its next event: activate, retire or remove; null: none is planned.
	NextEvent    *string    `json:"next_event"`
	NextAt       *time.Time `json:"next_at"`
	Certificates int        `json:"certificates"` // how many are attached
}

// List returns the keys in the database without removed ones, by algorithm and in the order in
// which they sign. It needs no master key.
func (m *Manager) List(ctx context.Context) ([]Listed, error) {
	now := store.At(m.Now())
	read, err := m.read(ctx, now)
	if err != nil {
		return nil, err
	}
	listed := make([]Listed, 0, len(read.Keys))
	for _, k := range read.Keys {
		state := StateAt(k, now)
		if state == Removed {
			continue
		}
		l := Listed{
			KID: k.KID, Alg: k.Alg, State: state,
			PublishedAt: timeOrNil(k.PublishedAt), ActiveAt: timeOrNil(k.ActiveAt), RetiredAt: timeOrNil(k.RetiredAt),
			RemovedAt: timeOrNil(k.RemovedAt), LastUsedAt: timeOrNil(k.LastUsedAt), Certificates: len(k.Certificates),
		}
		for _, e := range eventsOf(k) {
			if e.At.After(now) {
				l.NextEvent, l.NextAt = &e.Event, &e.At
				break
			}
		}
		listed = append(listed, l)
	}
	slices.SortStableFunc(listed, func(a, b Listed) int { return cmp.Compare(a.Alg, b.Alg) })
	return listed, nil
}

func timeOrNil(m store.Moment) *time.Time {
	if m.IsZero() {
		return nil
	}
	return &m
}

// SignsFrom returns when a key signs with the algorithm; false: there is none. In a database
// without any keys a server makes some that sign at once.
func (m *Manager) SignsFrom(ctx context.Context, alg string) (time.Time, bool, error) {
	listed, err := m.List(ctx)
	if err != nil {
		return time.Time{}, false, err
	}
	if len(listed) == 0 {
		return m.Now(), true, nil
	}
	for _, k := range listed {
		if k.Alg == alg && (k.State == Active || k.State == Pending) {
			return *k.ActiveAt, true, nil
		}
	}
	return time.Time{}, false, nil
}

// The events of a key.
const (
	Publish  = "publish"  // it becomes pending
	Activate = "activate" // it becomes active
	Retire   = "retire"   // it becomes retired
	Remove   = "remove"   // it is removed
)

// Event is a step in the life of a key as `authserver key plan` shows it.
type Event struct {
	At    time.Time `json:"at"`
	KID   string    `json:"kid"` // "" for a key that is not made yet
	Alg   string    `json:"alg"`
	Event string    `json:"event"`
}

// Planned returns the coming events, soonest first, up to the next handover to a key that is not
// made yet. It needs no master key.
func (m *Manager) Planned(ctx context.Context) ([]Event, error) {
	d, err := m.draft(ctx, nil)
	if err != nil {
		return nil, err
	}
	now, rows := d.now, d.keys
	events := []Event{}
	for _, k := range rows {
		for _, e := range eventsOf(k) {
			if e.At.After(now) && StateAt(k, now) != Removed {
				events = append(events, e)
			}
		}
	}
	for _, alg := range algorithmsOf(rows) {
		if last, ok := chainOf(rows, alg).last(); ok {
			events = append(events, d.timeline.foreseen(last, now)...)
		}
	}
	sortEvents(events)
	return events, nil
}

// foreseen is the handover from a key to the successor that will be made when it begins to sign.
func (t Timeline) foreseen(last store.SigningKey, now store.Moment) []Event {
	publish := later(now, last.ActiveAt)
	h := t.Regular(last, publish, publish)
	return []Event{
		{At: publish, Alg: last.Alg, Event: Publish},
		{At: h.At, Alg: last.Alg, Event: Activate},
		{At: h.At, KID: last.KID, Alg: last.Alg, Event: Retire},
		{At: h.RemovedAt, KID: last.KID, Alg: last.Alg, Event: Remove},
	}
}

// takeover returns the events by which the key takes over from its predecessor.
func takeover(rows []store.SigningKey, kid string) []Event {
	var events []Event
	for _, k := range rows {
		if k.KID != kid {
			continue
		}
		for _, e := range eventsOf(k) {
			if e.Event == Publish || e.Event == Activate {
				events = append(events, e)
			}
		}
		for _, p := range rows {
			if p.KID != k.Predecessor {
				continue
			}
			for _, e := range eventsOf(p) {
				if e.Event == Retire || e.Event == Remove {
					events = append(events, e)
				}
			}
		}
	}
	return events
}

// eventsOf returns the events in a row.
func eventsOf(k store.SigningKey) []Event {
	var events []Event
	for _, e := range []Event{
		{At: k.PublishedAt, Event: Publish}, {At: k.ActiveAt, Event: Activate},
		{At: k.RetiredAt, Event: Retire}, {At: k.RemovedAt, Event: Remove},
	} {
		if !e.At.IsZero() {
			e.KID, e.Alg = k.KID, k.Alg
			events = append(events, e)
		}
	}
	return events
}

// sortEvents puts the soonest first; a key activates before the other retires.
func sortEvents(events []Event) {
	slices.SortStableFunc(events, func(a, b Event) int {
		return cmp.Or(a.At.Compare(b.At), cmp.Compare(a.Alg, b.Alg), cmp.Compare(a.Event, b.Event))
	})
}

// Check opens every signing key, and returns the errors of those that cannot be opened. It changes
// nothing, also in memory.
func (m *Manager) Check(ctx context.Context) error {
	read, err := m.read(ctx, store.At(m.Now()))
	if err != nil {
		return err
	}
	return errors.Join(takeSnapshot(m.Sealer, m.Source, read, nil).faults(nil)...)
}
