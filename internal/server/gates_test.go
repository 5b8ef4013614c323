package server

import (
	"runtime"
	"testing"

	"authserver/internal/config"
)

// Long computations leave one of three or more processors to the network, unless an administrator
// has set the number of computations.
func TestComputationsLeaveAProcessor(t *testing.T) {
	for processors, want := range map[int]int{1: 1, 2: 2, 3: 2, 4: 3, 64: 63} {
		if got := computations(processors); got != want {
			t.Errorf("on %d processors: %d at once, want %d", processors, got, want)
		}
	}
	processors := runtime.GOMAXPROCS(0)
	for setting, want := range map[int]int{0: computations(processors), 1: 1, processors + 3: processors + 3} {
		if got := passwordWorkers(config.Logins{PasswordWorkers: setting}); got != want {
			t.Errorf("--password-workers %d: %d workers, want %d", setting, got, want)
		}
	}
}
