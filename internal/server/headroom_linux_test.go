package server

import (
	"os"
	"runtime"
	"testing"
	"unsafe"

	"golang.org/x/sys/unix"
)

// The start frees memory that the headroom may use again. That memory would be resident, or Go
// would clear it and make it resident.
func TestTheHeadroomTakesNoMemory(t *testing.T) {
	useAndLeave()
	runtime.GC()
	room := reserveHeadroom()
	defer runtime.KeepAlive(room)
	if len(room) != headroom {
		t.Fatalf("the headroom has %d bytes, want %d", len(room), headroom)
	}
	if pages := resident(t, room); pages > 0 {
		t.Errorf("%d pages of the headroom are resident, want none", pages)
	}
}

// useAndLeave writes to every block that is large enough for the headroom, and leaves it as
// garbage.
func useAndLeave() {
	var used [6][]byte
	for i := range used {
		used[i] = make([]byte, headroom)
		for at := 0; at < headroom; at += os.Getpagesize() {
			used[i][at] = 1
		}
	}
	runtime.KeepAlive(used)
}

// resident returns the number of pages of some memory that are in RAM (mincore(2)).
func resident(t *testing.T, memory []byte) (pages int) {
	t.Helper()
	flags := make([]byte, len(memory)/os.Getpagesize())
	_, _, failed := unix.Syscall(unix.SYS_MINCORE, uintptr(unsafe.Pointer(&memory[0])), uintptr(len(memory)), uintptr(unsafe.Pointer(&flags[0])))
	if failed != 0 {
		t.Fatal(failed)
	}
	for _, flag := range flags {
		pages += int(flag & 1)
	}
	return pages
}
