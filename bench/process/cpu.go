// Package process tells what this process has used of its processors.
package process

import (
	"syscall"
	"time"
)

// CPU is user and system time since the start; 0 where the system does not tell.
func CPU() time.Duration {
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		return 0
	}
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}
