package store

import "time"

// Moment is a point in time in UTC, cut to the microsecond that both engines
// keep. The zero Moment is "never" or "not yet", and is stored as NULL.
type Moment = time.Time

// At makes a Moment of t.
func At(t time.Time) Moment {
	if t.IsZero() {
		return Moment{}
	}
	return t.UTC().Truncate(time.Microsecond)
}
