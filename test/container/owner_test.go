package container_test

import (
	"fmt"
	"io/fs"
	"syscall"
)

// ownerOf returns user and group of a file, as in "70:70".
func ownerOf(info fs.FileInfo) string {
	stat, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return "unknown"
	}
	return fmt.Sprintf("%d:%d", stat.Uid, stat.Gid)
}
