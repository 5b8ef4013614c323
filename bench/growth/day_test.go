package growth

import (
	"context"
	"math/rand/v2"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"
)

// day is what refreshes leave behind.
type day struct {
	refreshes     int
	took          time.Duration
	counted       bool
	before, after updates
	parts         [2][]part // before and after
}

// refreshers is the number of concurrent refreshes.
const refreshers = 8

// refresh rotates families at random, several at the same time.
func refresh(tb testing.TB, ctx context.Context, d *database, refreshes int) (got day) {
	tb.Helper()
	look := func() (u updates, parts []part) {
		var err error
		got.counted = d.updates != nil
		least := int64(d.generation.Load()) - refreshed // sessions report their counts to the server only at times
		for deadline := time.Now().Add(time.Minute); got.counted && u.all < least && time.Now().Before(deadline); time.Sleep(time.Second) {
			u, err = d.updates(ctx)
			ok(tb, err)
		}
		parts, err = d.parts(ctx)
		ok(tb, err)
		return u, parts
	}
	got.refreshes = refreshes
	got.before, got.parts[0] = look()
	began := time.Now()
	group, working := errgroup.WithContext(ctx)
	for worker := range refreshers {
		group.Go(func() error {
			for i := worker; i < refreshes; i += refreshers {
				// No two clients refresh the same family.
				id := bytes16(familiesSeed, rand.IntN(d.rows/refreshers)*refreshers+worker)
				if err := rotate(working, d, id, began.Add(24*time.Hour*time.Duration(i)/time.Duration(refreshes)), idle); err != nil {
					return err
				}
			}
			return nil
		})
	}
	ok(tb, group.Wait())
	got.took = time.Since(began)
	got.after, got.parts[1] = look()
	return got
}
