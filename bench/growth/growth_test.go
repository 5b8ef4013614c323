package growth

import (
	"context"
	"flag"
	"fmt"
	"os"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"authserver/internal/store"
	"authserver/internal/store/storetest"
)

type options struct {
	rows      string
	engines   string
	rounds    int
	refreshes int
	expired   int
	out       string
}

// flags are those of BenchmarkGrowth; its defaults are small enough for a quick run.
func flags() *options {
	var o options
	flag.StringVar(&o.rows, "growth.rows", "1000,10000", "how many rows of each table, smallest first")
	flag.StringVar(&o.engines, "growth.engines", "postgres,sqlite", "which stores")
	flag.IntVar(&o.rounds, "growth.rounds", 15, "how often each call is measured at each size")
	flag.IntVar(&o.refreshes, "growth.refreshes", 20_000, "how many refreshes are a day")
	flag.IntVar(&o.expired, "growth.expired", 10_000, "how many rows expire")
	flag.StringVar(&o.out, "growth.out", "", "where the table is written to, beside the screen")
	return &o
}

var given = flags()

// database is a store with rows, and the functions that only an engine has.
type database struct {
	store.Store
	about  func(context.Context) (string, error)
	engine string
	rows   int
	next   int // the number of the last row that was made
	// generation is ahead of that of every family.
	generation atomic.Uint32
	fill       func(context.Context, time.Time) error
	parts      func(context.Context) ([]part, error)
	updates    func(context.Context) (updates, error) // nil: not counted
}

// part is a table or an index.
type part struct {
	table, name string
	bytes       int64
}

// updates of refresh_families.
type updates struct{ all, hot, dead int64 }

// made opens a database and fills it.
func made(tb testing.TB, ctx context.Context, open func(testing.TB, context.Context, int) *database, rows int) *database {
	tb.Helper()
	now := time.Now()
	d := open(tb, ctx, rows)
	ok(tb, d.MigrateUp(ctx))
	ok(tb, d.CreateClient(ctx, web(), storetest.By()))
	ok(tb, d.fill(ctx, now))
	d.next = rows
	d.generation.Store(refreshed)
	fmt.Fprintf(os.Stderr, "%s: %d rows of each table made in %s\n", d.engine, rows, time.Since(now).Round(time.Second))
	return d
}

func ok(tb testing.TB, err error) {
	tb.Helper()
	if err != nil {
		tb.Fatal(err)
	}
}

func BenchmarkGrowth(b *testing.B) {
	ctx := b.Context()
	var sizes []int
	for text := range strings.SplitSeq(given.rows, ",") {
		n, err := strconv.Atoi(text)
		ok(b, err)
		sizes = append(sizes, n)
	}
	r := &report{}
	r.head(ctx)
	for engine := range strings.SplitSeq(given.engines, ",") {
		open, known := map[string]func(testing.TB, context.Context, int) *database{"postgres": openPostgres, "sqlite": openSQLite}[engine]
		if !known {
			b.Fatalf("-growth.engines: there is no %q", engine)
		}
		b.Run(engine, func(b *testing.B) {
			removed := expire(b, ctx, open, given.expired)
			r.line("## %s\n", removed.about)
			r.removal(removed)
			var databases []*database
			for _, n := range sizes {
				databases = append(databases, made(b, ctx, open, n))
			}
			largest := databases[len(databases)-1]
			r.sizes(b, ctx, largest)
			r.costs(databases, measure(b, ctx, databases, given.rounds))
			r.view(load(b, ctx, largest))
			r.day(databases[1], refresh(b, ctx, databases[1], given.refreshes))
		})
	}
	r.write(b)
}

// TestGrowth checks the counts, and that the benchmark runs.
func TestGrowth(t *testing.T) {
	for name, open := range map[string]func(testing.TB, context.Context, int) *database{"postgres": openPostgres, "sqlite": openSQLite} {
		t.Run(name, func(t *testing.T) {
			ctx := t.Context()
			d := made(t, ctx, open, 1000)
			r := &report{}
			r.sizes(t, ctx, d)
			r.costs([]*database{d}, measure(t, ctx, []*database{d}, 1))
			if got := load(t, ctx, d); got.entries < 1000 {
				t.Errorf("the view holds %d revocations, want 1000 and those that were measured", got.entries)
			}
			// The number is so small that the space in new pages is enough for them, whether or not
			// the snapshot of a transaction keeps the old rows there.
			fresh := made(t, ctx, open, 1000)
			day := refresh(t, ctx, fresh, refreshers)
			r.day(fresh, day)
			all, hot := day.after.all-day.before.all, day.after.hot-day.before.hot
			if day.counted && (all != refreshers || hot != all) {
				t.Errorf("%d refreshes were %d updates, and %d of them HOT", refreshers, all, hot)
			}
			removed := expire(t, ctx, open, 3000)
			r.removal(removed)
			if removed.left != 0 {
				t.Errorf("%d expired families are left", removed.left)
			}
			if r.text.Len() == 0 {
				t.Error("nothing was reported")
			}
		})
	}
}
