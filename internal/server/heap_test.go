package server

import (
	"runtime"
	"runtime/debug"
	"runtime/metrics"
	"testing"
	"time"
)

func TestTheHeapMayGrowToTheFloor(t *testing.T) {
	for _, test := range []struct {
		name      string
		heap      uint64
		roots     uint64
		percent   int
		goalUntil uint64
	}{
		{"nothing in use", 0, 0, 1000, 40 << 20},
		{"little in use", 4 << 20, 1 << 20, 700, 40 << 20},
		{"half of the floor", 20 << 20, 0, 100, 40 << 20},
		{"more than half", 30 << 20, 2 << 20, 100, 62 << 20},
		{"more than the floor", 50 << 20, 2 << 20, 100, 102 << 20},
	} {
		t.Run(test.name, func(t *testing.T) {
			got := percentTo(40<<20, inUse{test.heap, test.roots})
			if got != test.percent {
				t.Errorf("the heap may grow by %d %%, want %d", got, test.percent)
			}
			if goal := test.heap + (test.heap+test.roots)*uint64(got)/100; goal > test.goalUntil {
				t.Errorf("the heap may grow to %d bytes, want at most %d", goal, test.goalUntil)
			}
		})
	}
}

func TestThePolicyFollowsTheHeap(t *testing.T) {
	t.Setenv("GOGC", "")
	debug.SetGCPercent(goPercent)
	const floor = 100 << 20
	p := allowHeap(floor)
	defer p.end()
	goalBecomes(t, "with almost nothing in use", floor*9/10, floor*11/10)
	little := make([]byte, floor/5)
	goalBecomes(t, "with a fifth of the floor in use", floor*9/10, floor*11/10)
	much := make([]byte, 2*floor)
	goalBecomes(t, "with more than the floor in use", 4*floor, 5*floor)
	runtime.KeepAlive(much)
	goalBecomes(t, "with a fifth of the floor in use again", floor*9/10, floor*11/10)
	runtime.KeepAlive(little)
	p.end()
	if percent := debug.SetGCPercent(goPercent); percent != goPercent {
		t.Errorf("after its end the heap may grow by %d %%, want %d", percent, goPercent)
	}
}

func TestThePolicyOfTheOperatorStays(t *testing.T) {
	t.Setenv("GOGC", "50")
	defer debug.SetGCPercent(debug.SetGCPercent(50)) // as Go does at the start
	p := allowHeap(1 << 30)
	p.end()
	if percent := debug.SetGCPercent(50); percent != 50 {
		t.Errorf("with GOGC=50 the heap may grow by %d %%", percent)
	}
}

// goalBecomes collects garbage until the heap may grow to a size in a range.
func goalBecomes(t *testing.T, when string, least, most uint64) {
	t.Helper()
	read := []metrics.Sample{{Name: "/gc/heap/goal:bytes"}}
	for deadline := time.Now().Add(10 * time.Second); ; time.Sleep(10 * time.Millisecond) {
		runtime.GC()
		metrics.Read(read)
		goal := read[0].Value.Uint64()
		if least <= goal && goal <= most {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("%s the heap may grow to %d MB, want %d to %d", when, goal>>20, least>>20, most>>20)
		}
	}
}
