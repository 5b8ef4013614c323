//go:build unix

package sqlite

import (
	"errors"

	"golang.org/x/sys/unix"
)

// fileID distinguishes a file from every other file that exists at the same time (stat(2)).
type fileID struct{ device, inode uint64 }

// stat returns the file at a path, and its size in bytes.
func stat(path string) (fileID, int64, error) {
	var s unix.Stat_t
	err := again(func() error { return unix.Stat(path, &s) })
	return fileID{uint64(s.Dev), s.Ino}, s.Size, err //nolint:unconvert // Dev has another type on other systems
}

// again repeats a system call that a signal interrupted.
func again(call func() error) error {
	for {
		if err := call(); !errors.Is(err, unix.EINTR) {
			return err
		}
	}
}
