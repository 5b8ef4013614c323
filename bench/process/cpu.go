// Package process reports the CPU time of this process.
package process

import (
	"syscall"
	"time"
)

// CPU is user and system time since the start; 0 if the system does not report it.
func CPU() time.Duration {
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		return 0
	}
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}
