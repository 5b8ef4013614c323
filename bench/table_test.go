package bench

import (
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"testing"
	"text/tabwriter"
	"time"

	"authserver/bench/floor"
	"authserver/internal/keys/signers"
	"authserver/test/harness"
)

// The settings of a run, as environment variables, because `go test` has no place for more.
const (
	runsSetting    = "BENCH_RUNS"    // how often everything is measured, in turn; 5
	secondsSetting = "BENCH_SECONDS" // for how long each time; 2
	resultsSetting = "BENCH_RESULTS" // the file to write; none
)

// round is one run: the floors, and each row on each engine.
type round struct {
	taken
	rows map[string]measured // by the row's name and the engine
}

// BenchmarkTable measures everything once, and prints the table. make bench runs it, with
// -benchtime 1x.
func BenchmarkTable(b *testing.B) {
	runs, duration := setting(b, runsSetting, 5), time.Duration(setting(b, secondsSetting, 2))*time.Second
	postgres, lite := harness.PostgreSQL(b), harness.SQLite(b)
	postgres.Binary = withOpenSSL(b)
	lite.Binary = postgres.Binary
	stages := map[string]*stage{"postgres": newStage(b, postgres, floor.BcryptCost), "sqlite": newStage(b, lite, floor.BcryptCost)}
	floors := newFloors(b, stages["postgres"])
	var rounds []round
	for n := range runs {
		r := round{taken: floors.take(b, duration), rows: map[string]measured{}}
		for _, row := range rows() {
			for _, engine := range row.engines {
				r.rows[row.name+"/"+engine] = measure(b, stages[engine].target, row.job(b, stages[engine], duration))
			}
		}
		rounds = append(rounds, r)
		b.Logf("run %d of %d is done", n+1, runs)
	}
	report := heading(b, "make bench", runs, duration) + table(rounds) + "\n" + targets(rounds, footprint(b, stages["sqlite"]))
	fmt.Println("\n" + report)
	if path := os.Getenv(resultsSetting); path != "" {
		if err := os.WriteFile(path, []byte(report), 0o644); err != nil {
			b.Fatal(err)
		}
	}
}

func setting(b *testing.B, name string, usual int) int {
	b.Helper()
	text := os.Getenv(name)
	if text == "" {
		return usual
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 1 {
		b.Fatalf("%s=%s: want a whole number above 0", name, text)
	}
	return n
}

func heading(b *testing.B, by string, runs int, duration time.Duration) string {
	b.Helper()
	return fmt.Sprintf(`# Results

Written by `+"`%s`"+`: %d interleaved runs of %s for each row, with %d connections. A cell has the median, with the lowest
and the highest value in brackets. The load, the floors, PostgreSQL and the server share the processors.

- commit: %s
- machine: %d × %s, %s
- tokens signed by: %s

`, by, runs, duration, connections, commit(), runtime.NumCPU(), processor(), runtime.Version(), signers.Name())
}

// commit names the measured commit, and says so if the tree has changes.
func commit() string {
	out, err := exec.Command("git", "describe", "--always", "--dirty", "--exclude", "*").Output()
	if err != nil {
		return "unknown"
	}
	return strings.TrimSpace(string(out))
}

func processor() string {
	info, err := os.ReadFile("/proc/cpuinfo")
	if err != nil {
		return runtime.GOARCH
	}
	_, rest, _ := strings.Cut(string(info), "model name\t: ")
	name, _, _ := strings.Cut(rest, "\n")
	return name
}

// table has a line for each row and floor.
func table(rounds []round) string {
	var text strings.Builder
	w := tabwriter.NewWriter(&text, 0, 0, 1, ' ', 0)
	line := func(cells ...string) { _, _ = fmt.Fprintln(w, "| "+strings.Join(cells, "\t| ")+"\t|") }
	line("row", "engine", "requests/s", "p50 ms", "p99 ms", "CPU µs", "allocations", "round trips", "load's CPU µs")
	line("---", "---", "---", "---", "---", "---", "---", "---", "---")
	show := func(name, engine string, of func(round) measured) {
		line(name, engine,
			spread(rounds, "%.0f", func(r round) float64 { return of(r).PerSecond() }),
			spread(rounds, "%.2f", func(r round) float64 { return of(r).P50.Seconds() * 1e3 }),
			spread(rounds, "%.2f", func(r round) float64 { return of(r).P99.Seconds() * 1e3 }),
			spread(rounds, "%.0f", func(r round) float64 { return microseconds(of(r).CPU) }),
			fmt.Sprintf("%.0f", median(rounds, func(r round) float64 { return of(r).Allocs })),
			fmt.Sprintf("%.2f", median(rounds, func(r round) float64 { return of(r).Trips })),
			fmt.Sprintf("%.0f", median(rounds, func(r round) float64 { return microseconds(of(r).Result.CPU) / float64(of(r).Answered) })),
		)
	}
	for _, row := range rows() {
		for _, engine := range row.engines {
			show(row.name, engine, func(r round) measured { return r.rows[row.name+"/"+engine] })
		}
	}
	show("floor: net/http, static", "", func(r round) measured { return r.static })
	show("floor: net/http, signs RS256", "", func(r round) measured { return r.rs256 })
	show("floor: net/http, signs ES256", "", func(r round) measured { return r.es256 })
	_ = w.Flush() // a write to a builder cannot fail
	return text.String()
}

func microseconds(d time.Duration) float64 { return float64(d) / float64(time.Microsecond) }

func sorted[R any](rounds []R, of func(R) float64) []float64 {
	values := make([]float64, 0, len(rounds))
	for _, r := range rounds {
		values = append(values, of(r))
	}
	slices.Sort(values)
	return values
}

func median[R any](rounds []R, of func(R) float64) float64 {
	values := sorted(rounds, of)
	return values[len(values)/2]
}

func spread[R any](rounds []R, format string, of func(R) float64) string {
	values := sorted(rounds, of)
	return fmt.Sprintf(format+" ("+format+"–"+format+")", values[len(values)/2], values[0], values[len(values)-1])
}
