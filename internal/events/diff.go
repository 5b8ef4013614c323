package events

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"authserver/internal/store"
)

// Bounds of what one event shows. A value that is larger, or that comes after the event is
// full, is shown by its size.
const (
	maxValue   = 1 << 10 // bytes of JSON
	maxChanges = 8 << 10 // bytes of all values
)

// changes returns the fields that differ between two views of a noun; nil: the noun does not exist.
func changes(before, after any) (map[string]store.FieldChange, error) {
	was, err := fields(before)
	if err != nil {
		return nil, err
	}
	is, err := fields(after)
	if err != nil {
		return nil, err
	}
	names := slices.Collect(maps.Keys(was))
	for name := range is {
		if _, twice := was[name]; !twice {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	if before != nil && after != nil {
		fillFalse(was, is)
		fillFalse(is, was)
	}
	changed := map[string]store.FieldChange{}
	room := maxChanges
	for _, name := range names {
		if bytes.Equal(was[name], is[name]) {
			continue
		}
		shown, change := strings.CutSuffix(name, "_ns")
		var c store.FieldChange
		c.Before, c.BeforeBytes = bounded(value(was[name], change), &room)
		c.After, c.AfterBytes = bounded(value(is[name], change), &room)
		changed[shown] = c
	}
	return changed, nil
}

// fillFalse adds the booleans that a document leaves out because they are false, if they are true
// in the other state.
func fillFalse(to, other map[string]json.RawMessage) {
	for name, value := range other {
		if to[name] == nil && string(value) == "true" {
			to[name] = json.RawMessage("false")
		}
	}
}

func fields(view any) (map[string]json.RawMessage, error) {
	if view == nil {
		return nil, nil
	}
	text, err := json.Marshal(view)
	if err != nil {
		return nil, fmt.Errorf("record what changed: %w", err)
	}
	if text, err = store.CanonicalJSON(text); err != nil {
		return nil, fmt.Errorf("record what changed: %w", err)
	}
	var members map[string]json.RawMessage
	if err := json.Unmarshal(text, &members); err != nil {
		return nil, fmt.Errorf("record what changed: %w", err)
	}
	return members, nil
}

// value is a value as the audit shows it. Durations are nanoseconds in a document, and
// text here.
func value(v json.RawMessage, isDuration bool) json.RawMessage {
	var d time.Duration
	if isDuration && json.Unmarshal(v, &d) == nil {
		return json.RawMessage(`"` + d.String() + `"`)
	}
	return v
}

// bounded returns a value, or only the size of one that leaves no room for the others.
func bounded(v json.RawMessage, room *int) (json.RawMessage, int) {
	if len(v) > maxValue || len(v) > *room {
		return nil, len(v)
	}
	*room -= len(v)
	return v, 0
}
