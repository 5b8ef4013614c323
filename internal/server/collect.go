package server

import (
	"os"
	"runtime"
	"runtime/debug"
	"runtime/metrics"
	"sync/atomic"
)

// headroom is how many bytes may be allocated between two garbage collections, at
// least. Go lets the heap double, which is a few megabytes here: under load a tenth
// of the processor went into looking at the same little heap dozens of times a second.
const headroom = 16 << 20

// What Go starts with: GOGC, and the heap that it does not collect before, of which
// GOGC is the percentage too.
const (
	usualPercent = 100
	smallest     = 4 << 20
)

// spare has the garbage collector leave headroom until stop is called. Where the
// heap is larger than that it doubles as ever, so memory is bounded as it was. An
// administrator who sets GOGC has decided otherwise.
func spare() (stop func()) {
	if os.Getenv("GOGC") != "" {
		return func() {}
	}
	c := &collector{percent: usualPercent}
	c.adjust()
	c.watch()
	return func() {
		c.stopped.Store(true)
		debug.SetGCPercent(usualPercent)
	}
}

type collector struct {
	percent int // that is set
	stopped atomic.Bool
}

// watch adjusts after the next collection: that one finds what nobody holds.
func (c *collector) watch() {
	runtime.AddCleanup(new([64]byte), func(c *collector) {
		if !c.stopped.Load() {
			c.adjust()
			c.watch()
		}
	}, c)
}

// adjust sets what headroom is of the heap that the last collection left. To set it
// stops everything for a moment, so it is left alone while it fits.
func (c *collector) adjust() {
	live := []metrics.Sample{{Name: "/gc/heap/live:bytes"}}
	metrics.Read(live)
	percent := max(usualPercent, int(headroom*100/max(smallest, live[0].Value.Uint64()))) //nolint:gosec // G115: 400 at most
	if percent*10 < c.percent*9 || percent*10 > c.percent*11 {
		c.percent = percent
		debug.SetGCPercent(percent)
	}
}
