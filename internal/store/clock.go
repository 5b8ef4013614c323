package store

import "time"

// ClockID names the clock of one run of a server. 0 is an unknown clock, which is not even equal to
// another 0.
type ClockID int32

// Clock is the clock of the caller. Other machines with other clocks write moments into the
// database, too.
type Clock struct {
	ID   ClockID
	Skew time.Duration // the most by which any two clocks differ
}

// Earliest returns the earliest time that another clock may show when this one shows now; for this
// clock itself it is now. A moment of the other clock has certainly passed when Earliest has
// reached it.
func (c Clock) Earliest(now Moment, other ClockID) Moment {
	if c.ID != 0 && c.ID == other {
		return now
	}
	return now.Add(-c.Skew)
}
