package store

import "time"

// Moment is a point in time in UTC, cut to the microsecond that both engines
// keep. The zero Moment is "never" or "not yet", and is stored as NULL.
type Moment = time.Time

// LaterNotBefore returns the first moment from at on under which nothing was issued that was issued
// under the NotBefore given, nor under an earlier one: tokens remember whole milliseconds.
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
