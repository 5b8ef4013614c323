package server

import (
	"runtime"
	"runtime/debug"
	"runtime/metrics"
	"testing"
	"time"
)

// goal is how large the heap may become before the next collection, and live what the
// last one left.
func goal() (goal, live uint64) {
	samples := []metrics.Sample{{Name: "/gc/heap/goal:bytes"}, {Name: "/gc/heap/live:bytes"}}
	metrics.Read(samples)
	return samples[0].Value.Uint64(), samples[1].Value.Uint64()
}

// TestSpare follows the heap up and down: there is headroom where it is small, and no
// more than Go's own where it is large.
func TestSpare(t *testing.T) {
	stop := spare()
	defer stop()
	wants := func(what string, is func(goal, live uint64) bool) {
		t.Helper()
		for deadline := time.Now().Add(10 * time.Second); ; time.Sleep(10 * time.Millisecond) {
			runtime.GC()
			if g, live := goal(); is(g, live) {
				return
			} else if time.Now().After(deadline) {
				t.Fatalf("%s: the goal is %d of %d live bytes", what, g, live)
			}
		}
	}
	roomy := func(goal, live uint64) bool {
		return goal-live >= headroom*7/10 && goal-live <= headroom*13/10
	}
	wants("a small heap", roomy)
	large := make([]byte, 4*headroom)
	wants("a large heap", func(goal, live uint64) bool { return live > 4*headroom && goal < live*22/10 })
	runtime.KeepAlive(large)
	wants("a heap that is small again", roomy)
	stop()
	if percent := debug.SetGCPercent(usualPercent); percent != usualPercent {
		t.Errorf("GOGC stays at %d", percent)
	}
}

func TestSpareLeavesAnAdministratorsSettingAlone(t *testing.T) {
	t.Setenv("GOGC", "50")
	debug.SetGCPercent(50)
	defer debug.SetGCPercent(usualPercent)
	stop := spare()
	for range 3 {
		runtime.GC()
	}
	stop()
	if percent := debug.SetGCPercent(usualPercent); percent != 50 {
		t.Errorf("GOGC is %d", percent)
	}
}
