package bench

import (
	"fmt"
	"io"
	"net/http"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"authserver/bench/floor"
	"authserver/bench/load"
	"authserver/test/harness"
)

// measured is one run of a row.
type measured struct {
	load.Result
	CPU    time.Duration // of the server, for each request
	Allocs float64       // of the server, for each request
	Trips  float64       // to the database, for each request
}

// measure sends a job to a server and measures what that costs the server.
func measure(b testing.TB, t target, job load.Job) measured {
	b.Helper()
	job.Address = t.address
	idle, before := t.counters(b), t.counters(b)
	cpu := t.cpu(b)
	result := answer[load.Result](b, job, "load")
	spent, after := t.cpu(b)-cpu, t.counters(b)
	if result.Answered == 0 || result.Refused > 0 {
		b.Fatalf("%d requests were answered and %d refused: %s", result.Answered, result.Refused, result.First)
	}
	n := float64(result.Answered)
	reading := before[allocations] - idle[allocations]
	return measured{
		Result: result, CPU: time.Duration(float64(spent) / n),
		Allocs: (after[allocations] - before[allocations] - reading) / n,
		Trips:  (after[roundTrips] - before[roundTrips]) / n,
	}
}

// The counters of the server that the benchmark reads.
const (
	allocations = "go_memstats_mallocs_total"
	roundTrips  = "authserver_database_round_trips_total"
)

// flush is a page that makes Go count the allocations of its processors. Each processor keeps a
// number of objects of each size to itself until they are used up, 12,000 allocations in all. Only
// this page reads runtime.MemStats, which collects them.
const flush = "/debug/pprof/heap?debug=1"

func (t target) counters(b testing.TB) map[string]float64 {
	b.Helper()
	counted := map[string]float64{}
	if t.ops == "" { // it is a floor
		counted[allocations] = t.floorAllocations(b)
		return counted
	}
	if flushed := harness.Get(b, t.ops+flush); flushed.Status != http.StatusOK {
		b.Fatalf("%s is answered with %d", flush, flushed.Status)
	}
	for line := range strings.Lines(string(harness.Get(b, t.ops+"/metrics").Raw)) {
		name, value, _ := strings.Cut(strings.TrimSpace(line), " ")
		if name == allocations || name == roundTrips {
			n, err := strconv.ParseFloat(value, 64)
			if err != nil {
				b.Fatal(err)
			}
			counted[name] = n
		}
	}
	if len(counted) != 2 {
		b.Fatalf("the metrics lack a counter: %v", counted)
	}
	return counted
}

func (t target) floorAllocations(b testing.TB) float64 {
	b.Helper()
	answer, err := http.Get("http://" + t.address + floor.AllocationsPath)
	if err != nil {
		b.Fatal(err)
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err != nil {
		b.Fatal(err)
	}
	n, err := strconv.ParseFloat(string(text), 64)
	if err != nil {
		b.Fatal(err)
	}
	return n
}

// tick is the unit of /proc/PID/stat: USER_HZ is 100 on every Linux that Go supports.
const tick = 10 * time.Millisecond

// cpu returns the CPU time of the server, user and system (proc(5)).
func (t target) cpu(b testing.TB) time.Duration {
	b.Helper()
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", t.pid))
	if err != nil {
		b.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(stat), ") ") // the name may contain spaces
	fields := strings.Fields(rest)
	var ticks int
	for _, field := range fields[11:13] { // utime and stime
		n, err := strconv.Atoi(field)
		if err != nil {
			b.Fatal(err)
		}
		ticks += n
	}
	return time.Duration(ticks) * tick
}

// resident returns the memory of the server in bytes, and the part of it that is pages of files,
// mostly of the program, which the kernel can take back (proc(5), VmRSS and RssFile).
func (t target) resident(b testing.TB) (all, files int64) {
	b.Helper()
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", t.pid))
	if err != nil {
		b.Fatal(err)
	}
	bytes := func(name string) int64 {
		_, rest, _ := strings.Cut(string(status), name+":")
		text, _, _ := strings.Cut(strings.TrimSpace(rest), " ")
		kilobytes, err := strconv.ParseInt(text, 10, 64)
		if err != nil {
			b.Fatal(err)
		}
		return kilobytes << 10
	}
	return bytes("VmRSS"), bytes("RssFile")
}
