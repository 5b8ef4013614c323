package store

import "time"

// Moment is a point in time in UTC, cut to the microsecond that both engines
// keep. The zero Moment is "never" or "not yet", and is stored as NULL.
type Moment = time.Time

// LaterNotBefore returns at, or a later moment that differs from notBefore in the whole
// milliseconds that tokens store.
func LaterNotBefore(at, notBefore Moment) Moment {
	if next := notBefore.Truncate(time.Millisecond).Add(time.Millisecond); at.Before(next) {
		return next
	}
	return at
}

// At makes a Moment of t.
func At(t time.Time) Moment {
	if t.IsZero() {
		return Moment{}
	}
	return t.UTC().Truncate(time.Microsecond)
}
