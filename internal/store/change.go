package store

import "errors"

// Change has the actor of a change, and the reason. The engine records it as an [Event] in the
// transaction that makes the change, and records no event of a change that is refused.
type Change struct {
	Actor     Actor
	Event     EventType
	At        Moment // by the clock of the calling process
	RequestID string // of the HTTP request that asks for it; "": a command or a timer does
	Voids     Void   // what the change revokes; the zero Void: nothing
}

// Check returns an error if the audit could not show the actor, the change or the time.
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

// Voiding returns the change with what it revokes.
func (c Change) Voiding(v Void) Change {
	c.Voids = v
	return c
}

// IsZero reports whether nothing is revoked.
func (v Void) IsZero() bool { return v.Kind == "" }
