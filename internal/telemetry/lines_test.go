package telemetry

import (
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

// writes keeps each write apart.
type writes struct {
	mu   sync.Mutex
	list []string
}

func (w *writes) Write(text []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.list = append(w.list, string(text))
	return len(text), nil
}

func (w *writes) all() []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.list
}

// put writes the lines a, b, c and so on.
func put(t *testing.T, l *Lines, names string) {
	t.Helper()
	for _, name := range names {
		if n, err := fmt.Fprintf(l, "%c\n", name); n != 2 || err != nil {
			t.Fatal(n, err)
		}
	}
}

func TestLinesWaitForOthersOnlyWhereManyCome(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var out writes
		l := NewLines(&out)
		time.Sleep(time.Second)
		put(t, l, "abc") // the first of them comes alone
		if diff := cmp.Diff([]string{"a\n"}, out.all()); diff != "" {
			t.Error(diff)
		}
		pause := func() {
			time.Sleep(linger)
			synctest.Wait()
		}
		pause()
		put(t, l, "d") // a moment after b and c
		pause()
		pause()
		put(t, l, "ef")
		l.Flush()
		l.Flush()
		if diff := cmp.Diff([]string{"a\n", "b\nc\n", "d\n", "e\n", "f\n"}, out.all()); diff != "" {
			t.Error(diff)
		}
	})
}

func TestWarningsDoNotWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var out writes
		log := NewLogger(NewLines(&out), slog.LevelInfo, "text").With("a", 1).WithGroup("g")
		for _, write := range []func(string, ...any){log.Info, log.Info, log.Warn, log.Info, log.Error} {
			write("m")
		}
		var levels []string
		for _, written := range out.all() {
			levels = append(levels, fmt.Sprint(strings.Count(written, "level=INFO"), strings.Count(written, "level=WARN"), strings.Count(written, "level=ERROR")))
		}
		if diff := cmp.Diff([]string{"1 0 0", "1 1 0", "1 0 1"}, levels); diff != "" {
			t.Error(diff)
		}
	})
}

// Whatever comes and when, nothing is lost, turned around or cut, and no write of
// several lines is longer than a pipe takes whole.
func TestLinesStayWhole(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var out writes
		l := NewLines(&out)
		var want strings.Builder
		for range rapid.IntRange(0, 60).Draw(t, "lines") {
			line := strings.Repeat("x", rapid.SampledFrom([]int{1, 100, 700, together - 2, together - 1, together, 3 * together}).Draw(t, "length")) + "\n"
			want.WriteString(line)
			_, _ = l.Write([]byte(line))
		}
		l.Flush()
		for _, written := range out.all() {
			if !strings.HasSuffix(written, "\n") || strings.Count(written, "\n") > 1 && len(written) > together {
				t.Fatalf("a write of %d bytes and %d lines", len(written), strings.Count(written, "\n"))
			}
		}
		if got := strings.Join(out.all(), ""); got != want.String() {
			t.Fatalf("%d bytes were written of %d, or others", len(got), want.Len())
		}
	})
}
