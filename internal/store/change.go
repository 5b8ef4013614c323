package store

import "errors"

// Change says who changes something, and why. The engine records it as an [Event] in the
// transaction that makes the change, and records no event of a change that is refused.
type Change struct {
	Actor     Actor
	Event     EventType
	At        Moment // by the clock of the process that asks
	RequestID string // of the HTTP request that asks for it; "": a command or a timer does
	Voids     Void   // what the change makes void; the zero Void: nothing
}

// Check returns an error where the audit could not say who changed what, or when.
func (c Change) Check() error {
	switch {
	case c.Actor.Type == "" || c.Actor.ID == "":
		return errors.New("a change has to name its actor")
	case c.Event == "":
		return errors.New("a change has to name its event")
	case c.At.IsZero():
		return errors.New("a change has to have a time")
	}
	return nil
}

// Voiding returns the change with what it makes void.
func (c Change) Voiding(v Void) Change {
	c.Voids = v
	return c
}

// IsZero reports whether nothing is made void.
func (v Void) IsZero() bool { return v.Kind == "" }
