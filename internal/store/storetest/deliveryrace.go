package storetest

import (
	"sync"
	"testing"
	"time"

	"authserver/internal/store"
)

func deliveryRace(t *testing.T, open Open) {
	ctx, s := migrated(t, open)
	one := withSession(t, ctx, s)
	clients := []string{"a", "b", "c", "d", "e", "f"}
	toldClients(t, ctx, s, clients...)
	for n, client := range clients {
		takesPart(t, ctx, s, client, byte(20+n), one)
	}
	ok(t, s.EndSession(ctx, one.ID, ending(store.SessionEnded, time.Minute, "logged_out")))
	handles := []store.Store{s, open()}
	claimed := make([][]store.Delivery, 6)
	errs := make([]error, len(claimed))
	var wg sync.WaitGroup
	for n := range claimed {
		wg.Go(func() {
			claimed[n], errs[n] = handles[n%2].ClaimDeliveries(ctx, By().At, By().At.Add(time.Hour), 2)
		})
	}
	wg.Wait()
	taken := map[string]int{}
	for n, rows := range claimed {
		ok(t, errs[n])
		for _, d := range rows {
			taken[d.ClientID]++
		}
	}
	// Deliveries that others had locked at that moment may be left.
	for range clients {
		for _, d := range must[[]store.Delivery](t)(s.ClaimDeliveries(ctx, By().At, By().At.Add(time.Hour), 2)) {
			taken[d.ClientID]++
		}
	}
	for _, client := range clients {
		same(t, taken[client], 1)
	}
}
