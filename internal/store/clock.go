package store

import "time"

// ClockID names a clock: that of one run of a server. 0 is a clock of which nothing is
// known, not even that it is the same as another of that name.
type ClockID int32

// Clock is the clock that a caller reads, beside those of the other machines that write
// moments into the database.
type Clock struct {
	ID   ClockID
	Skew time.Duration // the most by which any two clocks differ
}

// Earliest returns the earliest that another clock may show when this one shows now: the same
// where it is this one. A moment that was written by the other has come for certain
// where Earliest has reached it.
func (c Clock) Earliest(now Moment, other ClockID) Moment {
	if c.ID != 0 && c.ID == other {
		return now
	}
	return now.Add(-c.Skew)
}
