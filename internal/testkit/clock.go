package testkit

import (
	"sync"
	"time"
)

// Clock is the clock of a test. It is safe for concurrent use.
type Clock struct {
	mu  sync.Mutex
	now time.Time
}

// NewClock returns a clock with a moment, at which it stays.
func NewClock(at time.Time) *Clock { return &Clock{now: at} }

// Now returns the moment of the clock.
func (c *Clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

// Advance moves the clock forward.
func (c *Clock) Advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}
