package growth

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"testing"
	"time"
)

// report has the tables, in Markdown.
type report struct{ text strings.Builder }

// line also prints at once, because the whole takes long.
func (r *report) line(format string, args ...any) {
	text := fmt.Sprintf(format+"\n", args...)
	fmt.Print(text)
	r.text.WriteString(text)
}

func (r *report) head(ctx context.Context) {
	commit, err := exec.CommandContext(ctx, "git", "describe", "--always", "--dirty").Output()
	if err != nil {
		commit = []byte("unknown")
	}
	r.line("# Growth\n")
	r.line("What `make bench-growth` found at %s, on %s (GOMAXPROCS %d), load average %s.\n", strings.TrimSpace(string(commit)), processor(), runtime.GOMAXPROCS(0), loadAverage())
}

func processor() string {
	text, _ := os.ReadFile("/proc/cpuinfo") // other systems do not have it
	for line := range strings.Lines(string(text)) {
		if name, value, found := strings.Cut(line, ":"); found && strings.TrimSpace(name) == "model name" {
			return fmt.Sprintf("%d × %s", runtime.NumCPU(), strings.TrimSpace(value))
		}
	}
	return fmt.Sprintf("%d × %s", runtime.NumCPU(), runtime.GOARCH)
}

func loadAverage() string {
	text, err := os.ReadFile("/proc/loadavg")
	if fields := strings.Fields(string(text)); err == nil && len(fields) > 0 {
		return fields[0]
	}
	return "unknown"
}

func (r *report) sizes(tb testing.TB, ctx context.Context, d *database) {
	parts, err := d.parts(ctx)
	ok(tb, err)
	r.line("Bytes per row with %s rows of each table, and the size of 10⁸ rows:\n", count(d.rows))
	r.line("| | a row | 10⁸ rows |\n|---|--:|--:|")
	var table string
	var sum int64
	total := func() {
		if table != "" {
			r.line("| **%s, all of it** | **%.0f B** | **%.0f GB** |", table, float64(sum)/float64(d.rows), float64(sum)/float64(d.rows)/10)
		}
	}
	for _, p := range parts {
		if p.table != table {
			total()
			table, sum = p.table, 0
		}
		sum += p.bytes
		r.line("| %s | %.0f B | %.1f GB |", p.name, float64(p.bytes)/float64(d.rows), float64(p.bytes)/float64(d.rows)/10)
	}
	total()
	r.line("")
}

func (r *report) costs(databases []*database, found map[string][]cost) {
	last := databases[len(databases)-1]
	r.line("The median time of a call, by the rows of each table, and its ratio to the time beside %s rows (median of the rounds ±\nhalf of the interquartile range):\n", count(databases[0].rows))
	header, rule := "| |", "|---|"
	for _, d := range databases {
		header, rule = header+" "+count(d.rows)+" |", rule+"--:|"
	}
	r.line("%s %s / %s |\n%s--:|", header, count(last.rows), count(databases[0].rows), rule)
	for _, c := range requests() {
		row := "| " + c.name + " |"
		for _, at := range found[c.name] {
			row += " " + micros(at.median) + " |"
		}
		end := found[c.name][len(databases)-1]
		r.line("%s %.2f ± %.2f |", row, end.ratio, end.spread)
	}
	r.line("")
}

func (r *report) view(got loaded) {
	r.line("The view of revocations: %s entries of %.1f bytes in memory, loaded in %.2f s, with %.2f s of CPU in this\nprocess. Checking a token beside them takes %s of CPU, including the claims.\n",
		count(got.entries), got.bytes, got.took.Seconds(), got.cpu.Seconds(), micros(got.perCheck))
}

func (r *report) day(d *database, got day) {
	r.line("%s refreshes of %s families, %d at once, %.0f a second:\n", count(got.refreshes), count(d.rows), refreshers, float64(got.refreshes)/got.took.Seconds())
	r.line("| | before | after | |\n|---|--:|--:|--:|")
	for i, p := range got.parts[0] {
		if p.table == "refresh_families" {
			after := got.parts[1][i].bytes
			r.line("| %s | %.2f MB | %.2f MB | %+.1f %% |", p.name, float64(p.bytes)/1e6, float64(after)/1e6, 100*float64(after-p.bytes)/float64(p.bytes))
		}
	}
	r.line("")
	if got.counted {
		all, hot := got.after.all-got.before.all, got.after.hot-got.before.hot
		r.line("`pg_stat_user_tables`: n_tup_upd %d, n_tup_hot_upd %d (%.2f %%), n_dead_tup %d.\n", all, hot, 100*float64(hot)/float64(all), got.after.dead)
	}
}

func (r *report) removal(got removal) {
	r.line("%s families and as many revocations expire and are removed in batches of %d of each, while %d other families are refreshed:\n", count(got.rows), sweepBatch, living)
	r.line("| | |\n|---|--:|")
	r.line("| to make a family, and a revocation | %s, %s |", micros(got.insert[0]), micros(got.insert[1]))
	r.line("| to remove a family and a revocation | %s |", micros(got.remove))
	r.line("| removed / made | %.2f |", float64(got.remove)/float64(got.insert[0]+got.insert[1]))
	r.line("| rows removed a second | %.0f |", 2/got.remove.Seconds())
	r.line("| a batch in the first tenth, in the last, the longest | %s, %s, %s |", millis(got.first), millis(got.last), millis(got.longest))
	r.line("| a refresh with no sweep (median, 99 %%, longest) | %s, %s, %s |", millis(got.quiet[0]), millis(got.quiet[1]), millis(got.quiet[2]))
	r.line("| a refresh beside the sweep | %s, %s, %s |\n", millis(got.busy[0]), millis(got.busy[1]), millis(got.busy[2]))
}

func (r *report) write(tb testing.TB) {
	tb.Helper()
	if given.out != "" {
		ok(tb, os.WriteFile(given.out, []byte(strings.TrimRight(r.text.String(), "\n")+"\n"), 0o644))
	}
}

func micros(d time.Duration) string {
	return fmt.Sprintf("%.1f µs", float64(d)/float64(time.Microsecond))
}
func millis(d time.Duration) string {
	return fmt.Sprintf("%.2f ms", float64(d)/float64(time.Millisecond))
}

// count writes a number with separated thousands.
func count(n int) string {
	text := fmt.Sprint(n)
	for i := len(text) - 3; i > 0; i -= 3 {
		text = text[:i] + "," + text[i:]
	}
	return text
}
