package growth

import (
	"context"
	"runtime"
	"testing"
	"time"

	"authserver/bench/process"
	"authserver/internal/tokens"
)

// loaded is a view that a server loads when it starts.
type loaded struct {
	entries  int
	took     time.Duration
	cpu      time.Duration // only of this process
	bytes    float64       // of an entry
	perCheck time.Duration
}

func load(tb testing.TB, ctx context.Context, d *database) loaded {
	tb.Helper()
	before := heap()
	v := &tokens.View{Store: d.Store, Now: time.Now}
	began, worked := time.Now(), process.CPU()
	ok(tb, v.Follow(ctx))
	got := loaded{entries: v.Len(), took: time.Since(began), cpu: process.CPU() - worked}
	got.bytes = float64(heap()-before) / float64(got.entries)
	const checks = 100_000
	worked = process.CPU()
	for i := range checks {
		id := bytes16(usersSeed, i)
		claims := tokens.Claims{ID: userID(i) + userID(i)[:15], Subject: userID(i), ClientID: client, Parsed: tokens.ID{Family: id, Client: 1, Subject: 1}}
		revoked, err := v.Revoked(ctx, claims)
		ok(tb, err)
		if revoked {
			tb.Fatal("a token that was not revoked is reported as revoked")
		}
	}
	got.perCheck = (process.CPU() - worked) / checks
	return got
}

func heap() uint64 {
	var stats runtime.MemStats
	runtime.GC()
	runtime.GC() // frees what the first collection found unused
	runtime.ReadMemStats(&stats)
	return stats.HeapAlloc
}
