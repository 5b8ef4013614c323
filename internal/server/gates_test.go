package server

import (
	"runtime"
	"testing"

	"authserver/internal/config"
)

func TestWidth(t *testing.T) {
	for _, c := range []struct {
		name, setting         string
		usual, whilePasswords int // beyond the processors
	}{
		{"two more threads than processors", "", 2, 3},
		{"what an administrator set", "3", 0, 3},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Setenv("GOMAXPROCS", c.setting)
			before := runtime.GOMAXPROCS(3)
			defer runtime.GOMAXPROCS(before)
			w := newWidth(config.Settings{PasswordWorkers: 3})
			w.set(true)
			if got := runtime.GOMAXPROCS(0); got != 2*3+c.whilePasswords {
				t.Errorf("%d threads while passwords are computed", got)
			}
			w.set(false)
			if got := runtime.GOMAXPROCS(0); got != 3+c.usual {
				t.Errorf("%d threads", got)
			}
			w.reset()
			if got := runtime.GOMAXPROCS(0); got != 3 {
				t.Errorf("%d threads stay", got)
			}
		})
	}
}
