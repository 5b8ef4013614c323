package server

import (
	"os"
	"runtime"
	"runtime/debug"
	"runtime/metrics"
	"sync"
)

// heapFloor is the size, in bytes, to which the heap may always grow before Go collects garbage.
// Go alone lets the heap double: it would collect a heap of a few megabytes dozens of times a
// second under load. A larger floor makes no request cheaper (docs/decisions/57).
const heapFloor = 12 << 20

// heapPolicy sets after each collection how much the heap may grow until the next one: to the
// floor, or to the double if that is more.
type heapPolicy struct {
	floor uint64

	mu      sync.Mutex
	percent int
	ended   bool
}

const (
	// goPercent is what Go does by itself: the heap may grow by as much as is in use.
	goPercent = 100
	// goLeast is the heap, in bytes, that Go allows in any case at goPercent. At a higher
	// percentage it allows as many times more.
	goLeast = 4 << 20
)

// allowHeap starts the policy for a floor. It leaves Go alone if the operator set GOGC.
func allowHeap(floor uint64) *heapPolicy {
	p := &heapPolicy{floor: floor, percent: goPercent, ended: os.Getenv("GOGC") != ""}
	p.adjust()
	return p
}

// collection is garbage from the start, so that its cleanup runs after the next collection. It is
// too large to share its memory with an object that is in use.
type collection [64]byte

func (p *heapPolicy) adjust() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.ended {
		return
	}
	p.set(percentTo(p.floor, heapInUse()))
	runtime.AddCleanup(new(collection), (*heapPolicy).adjust, p)
}

// set changes the percentage, which stops the program for a moment.
func (p *heapPolicy) set(percent int) {
	if percent != p.percent {
		debug.SetGCPercent(percent)
		p.percent = percent
	}
}

// end gives the decision back to Go.
func (p *heapPolicy) end() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.ended {
		p.set(goPercent)
	}
	p.ended = true
}

// inUse is what was in use at the last collection, in bytes. Go lets a heap grow by a percentage of
// the sum.
type inUse struct{ heap, roots uint64 }

func heapInUse() inUse {
	read := []metrics.Sample{{Name: "/gc/heap/live:bytes"}, {Name: "/gc/scan/stack:bytes"}, {Name: "/gc/scan/globals:bytes"}}
	metrics.Read(read)
	return inUse{heap: read[0].Value.Uint64(), roots: read[1].Value.Uint64() + read[2].Value.Uint64()}
}

// percentTo returns the percentage by which the heap grows to the floor, in fifties, so that it
// seldom changes.
func percentTo(floor uint64, u inUse) int {
	if u.heap >= floor {
		return goPercent
	}
	percent := (floor - u.heap) * 2 / max(u.heap+u.roots, 1) * 50
	most := floor / goLeast * goPercent            // more would allow more than the floor
	return int(min(max(percent, goPercent), most)) //nolint:gosec // G115: most is 300 with heapFloor
}
