package server

import (
	"runtime"
	"testing"

	"authserver/internal/config"
)

// What computes for long leaves a processor for the network, unless an administrator has
// said how many computations there are to be.
func TestPasswordsLeaveAProcessor(t *testing.T) {
	processors := runtime.GOMAXPROCS(0)
	for _, c := range []struct {
		name          string
		setting, want int
	}{
		{"by default", 0, max(1, processors-1)},
		{"one", 1, 1},
		{"more than there are processors", processors + 3, processors + 3},
	} {
		if got := passwordWorkers(config.Settings{PasswordWorkers: c.setting}); got != c.want {
			t.Errorf("%s: %d workers, want %d", c.name, got, c.want)
		}
	}
}
