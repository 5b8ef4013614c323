//go:build unix

package main

import (
	"errors"
	"io"
	"os"

	"golang.org/x/sys/unix"
)

// standardOutput is the destination of answers. If it was closed, the Go runtime has opened
// /dev/null instead, so that no other file becomes standard output. That is recognised here,
// because a lost answer is an error: a /dev/null that the caller chose is open only for writing.
func standardOutput() io.Writer {
	flags, err := unix.FcntlInt(os.Stdout.Fd(), unix.F_GETFL, 0)
	if err != nil || flags&unix.O_ACCMODE != unix.O_RDWR {
		return os.Stdout
	}
	own, err := os.Stdout.Stat()
	if err != nil {
		return os.Stdout
	}
	null, err := os.Stat(os.DevNull)
	if err != nil || !os.SameFile(own, null) {
		return os.Stdout
	}
	return closed{}
}

// closed is a standard output that was closed.
type closed struct{}

func (closed) Write([]byte) (int, error) { return 0, errors.New("standard output is closed") }
