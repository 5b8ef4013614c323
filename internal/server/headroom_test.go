package server

import (
	"os"
	"runtime"
	"runtime/debug"
	"strconv"
	"strings"
	"testing"
)

// The start frees memory that the headroom takes again: Go clears it then, and so touches it.
func TestTheHeadroomTakesNoMemory(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("the kernel says how much memory is resident in /proc, on Linux alone")
	}
	useAndLeave(4 * headroom)
	debug.FreeOSMemory()
	before := resident(t)
	room := reserveHeadroom()
	defer runtime.KeepAlive(room)
	if len(room) != headroom {
		t.Fatalf("the headroom has %d bytes, want %d", len(room), headroom)
	}
	if taken := resident(t) - before; taken > headroom/2 {
		t.Errorf("the headroom made %d bytes resident, want none", taken)
	}
}

// useAndLeave touches so many bytes, which are garbage when it returns.
func useAndLeave(size int) {
	used := make([]byte, size)
	for i := 0; i < size; i += os.Getpagesize() {
		used[i] = 1
	}
	runtime.KeepAlive(used)
}

// resident is the memory of this process that is no file's, in bytes.
func resident(t *testing.T) int {
	t.Helper()
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(status), "RssAnon:")
	kilobytes, err := strconv.Atoi(strings.Fields(rest)[0])
	if err != nil {
		t.Fatal(err)
	}
	return kilobytes << 10
}
