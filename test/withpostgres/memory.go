package main

import (
	"bufio"
	"cmp"
	"os"
	"strconv"
	"strings"
	"syscall"
)

// sharedMemory is where Linux keeps files in memory.
const sharedMemory = "/dev/shm"

// enoughMemory is the free memory that a server in memory needs: its data and its log of changes
// take about one GiB while all tests run.
const enoughMemory = 4 << 30

// parents returns the folders in which a server may be made, the best first. A test's database is
// three hundred files. A disk takes half a second to make and remove them, and memory a twentieth
// of that.
func parents() []string {
	disk := []string{os.TempDir(), "/tmp", "/var/tmp"}
	memory := cmp.Or(os.Getenv("WITHPOSTGRES_MEMORY"), sharedMemory)
	if freeIn(memory) < enoughMemory || availableMemory() < enoughMemory {
		return disk
	}
	return append([]string{memory}, disk...)
}

// freeIn returns the free bytes of a file system, or 0 if it does not exist.
func freeIn(dir string) uint64 {
	var of syscall.Statfs_t
	if syscall.Statfs(dir, &of) != nil {
		return 0
	}
	return of.Bavail * uint64(of.Bsize)
}

// availableMemory returns the bytes that Linux could give to programs, or 0 if they are unknown.
func availableMemory() uint64 {
	file, err := os.Open("/proc/meminfo")
	if err != nil {
		return 0
	}
	defer file.Close()
	for lines := bufio.NewScanner(file); lines.Scan(); {
		fields := strings.Fields(lines.Text())
		if len(fields) == 3 && fields[0] == "MemAvailable:" {
			kilobytes, _ := strconv.ParseUint(fields[1], 10, 64) // 0 if it is not a number
			return kilobytes << 10
		}
	}
	return 0
}
