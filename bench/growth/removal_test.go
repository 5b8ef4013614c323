package growth

import (
	"context"
	"encoding/binary"
	"errors"
	"testing"
	"time"

	"authserver/internal/store"
)

// removal is the cost of removing rows, and of making them.
type removal struct {
	about       string
	rows        int              // families, and as many revocations
	left        int              // families that still exist
	insert      [2]time.Duration // of a family and of a revocation
	remove      time.Duration    // of a family with a revocation
	longest     time.Duration    // of a batch
	first, last time.Duration    // of a batch, at the beginning and at the end
	quiet, busy [3]time.Duration // a refresh alone, and during the sweep: median, 99 %, longest
}

const (
	sweepBatch = 1000 // as internal/server
	living     = 1000 // families that stay in use
	samples    = 2000 // to measure how long making a row takes
)

// expire lets every row except those of some families expire, and removes them as the sweep does,
// while those families are refreshed.
func expire(tb testing.TB, ctx context.Context, open func(testing.TB, context.Context, int) *database, rows int) removal {
	tb.Helper()
	d := made(tb, ctx, open, rows-samples)
	got := removal{rows: rows}
	var err error
	got.about, err = d.about(ctx)
	ok(tb, err)
	now := time.Now()
	for kind, insert := range []func(i int) error{
		func(i int) error {
			f := family(i, now)
			f.UserID = userID(i % d.rows)
			return d.CreateFamily(ctx, f)
		},
		func(i int) error { return d.Revoke(ctx, void(revocation(i, now))) },
	} {
		began := time.Now()
		for i := range samples {
			ok(tb, insert(d.rows+i))
		}
		got.insert[kind] = time.Since(began) / samples
	}
	for i := range living { // the sweep reads each, and finds that it was used
		f := family(i, now)
		f.ID, f.ExpiresAt = livingID(i), f.ExpiresAt.Add(1000*absolute)
		ok(tb, d.CreateFamily(ctx, f))
		ok(tb, rotate(ctx, d, f.ID, now, 1000*absolute))
	}
	got.quiet = refreshWhile(tb, ctx, d, func() { time.Sleep(2 * time.Second) })
	got.busy = refreshWhile(tb, ctx, d, func() { sweep(tb, ctx, d, now.Add(2*absolute), &got) })
	for i := range rows {
		if _, err := d.Family(ctx, bytes16(familiesSeed, i)); !errors.Is(err, store.ErrNotFound) {
			got.left++
		}
		if i == 10_000 { // a large enough sample
			break
		}
	}
	for i := range living {
		if _, err := d.Family(ctx, livingID(i)); err != nil {
			tb.Fatalf("a family that is used was removed: %v", err)
		}
	}
	return got
}

func livingID(i int) (id store.FamilyID) {
	binary.BigEndian.PutUint64(id[:], scatter(0, uint64(i)))
	return id
}

// sweep removes rows that have expired before a moment, as the loop of a server does.
func sweep(tb testing.TB, ctx context.Context, d *database, before time.Time, got *removal) {
	tb.Helper()
	var took []time.Duration
	began := time.Now()
	for {
		batch := time.Now()
		removed, err := d.Sweep(ctx, store.At(before), sweepBatch)
		ok(tb, err)
		if removed == 0 {
			break
		}
		took = append(took, time.Since(batch))
		got.longest = max(got.longest, took[len(took)-1])
	}
	got.remove = time.Since(began) / time.Duration(got.rows)
	tenth := max(len(took)/10, 1)
	for i := range tenth {
		got.first += took[i] / time.Duration(tenth)
		got.last += took[len(took)-1-i] / time.Duration(tenth)
	}
}

// refreshWhile refreshes living families one after the other until work is done.
func refreshWhile(tb testing.TB, ctx context.Context, d *database, work func()) (found [3]time.Duration) {
	tb.Helper()
	done := make(chan struct{})
	taken := make(chan []float64)
	go func() {
		var took []float64
		defer func() { taken <- took }()
		for i := 0; ; i++ {
			select {
			case <-done:
				return
			default:
			}
			began := time.Now()
			if err := rotate(ctx, d, livingID(i%living), began.Add(time.Duration(i)*time.Second), 1000*absolute); err != nil {
				tb.Error(err)
				return
			}
			took = append(took, float64(time.Since(began)))
			time.Sleep(time.Millisecond)
		}
	}()
	work()
	close(done)
	took := <-taken
	if len(took) == 0 {
		return found
	}
	for i, q := range []float64{0.5, 0.99, 1} {
		found[i] = time.Duration(quantile(took, q))
	}
	return found
}
