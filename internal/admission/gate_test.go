package admission

import (
	"context"
	"errors"
	"math/rand/v2"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
)

func enter(t *testing.T, g *Gate, names ...string) {
	t.Helper()
	for _, by := range names {
		if err := g.Enter(t.Context(), by); err != nil {
			t.Fatalf("Enter(%q) = %v", by, err)
		}
	}
}

// wait lets names wait at the gate, in this order, and returns a function for the names whose turn
// has come. It is for a bubble of synctest.
func wait(t *testing.T, g *Gate, names ...string) (turns func() []string) {
	t.Helper()
	var mu sync.Mutex
	var came []string
	for _, by := range names {
		go func() {
			err := g.Enter(t.Context(), by)
			mu.Lock()
			defer mu.Unlock()
			if err != nil {
				by += ": " + err.Error()
			}
			came = append(came, by)
		}()
		synctest.Wait()
	}
	return func() []string {
		synctest.Wait()
		mu.Lock()
		defer mu.Unlock()
		return slices.Clone(came)
	}
}

func TestTurns(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := &Gate{Slots: 1, Queue: 20, Wait: time.Hour, Now: time.Now}
		enter(t, g, "flood")
		turns := wait(t, g, "flood", "flood", "flood", "polite", "polite", "third")
		for _, by := range []string{"flood", "flood", "polite", "third", "flood", "polite", "flood"} {
			g.Leave(by)
			synctest.Wait()
		}
		// A caller that was not waiting before is next, however many requests the others have.
		want := []string{"flood", "polite", "third", "flood", "polite", "flood"}
		if diff := cmp.Diff(want, turns()); diff != "" {
			t.Errorf("turns (-want +got):\n%s", diff)
		}
		if g.InFlight() != 0 || g.Waiting() != 0 || len(g.held) != 0 || len(g.lines) != 0 {
			t.Errorf("%d in flight, %d waiting, %d held, %d lines at the end", g.InFlight(), g.Waiting(), len(g.held), len(g.lines))
		}
	})
}

func TestSpare(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := &Gate{Slots: 8, Queue: 20, Wait: time.Hour, Spare: true, Now: time.Now}
		enter(t, g, "flood", "flood", "flood", "flood")
		turns := wait(t, g, "flood") // alone it gets half of the places
		enter(t, g, "polite", "third")
		if g.InFlight() != 6 || len(turns()) != 0 {
			t.Errorf("%d in flight, turns of %v", g.InFlight(), turns())
		}
		g.Leave("polite")
		g.Leave("third")
		if len(turns()) != 0 { // the four that it holds are as many as are left
			t.Errorf("turns of %v", turns())
		}
		g.Leave("flood")
		if diff := cmp.Diff([]string{"flood"}, turns()); diff != "" {
			t.Errorf("turns (-want +got):\n%s", diff)
		}
	})
}

func TestRefuses(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var waited []time.Duration
		g := &Gate{Slots: 1, Queue: 4, Wait: time.Second, Now: time.Now, Waited: func(d time.Duration) { waited = append(waited, d) }}
		enter(t, g, "flood")
		turns := wait(t, g, "flood", "flood")
		if err := g.Enter(t.Context(), "flood"); !errors.Is(err, ErrShare) {
			t.Errorf("Enter of one that half of the queue is full of = %v, want %v", err, ErrShare)
		}
		others := wait(t, g, "polite", "third")
		if err := g.Enter(t.Context(), "fourth"); !errors.Is(err, ErrFull) {
			t.Errorf("Enter in a full queue = %v, want %v", err, ErrFull)
		}
		gone, leave := context.WithCancel(t.Context())
		leave()
		if err := g.Enter(gone, "fifth"); !errors.Is(err, context.Canceled) {
			t.Errorf("Enter of a caller that is gone = %v", err)
		}
		time.Sleep(time.Second / 2)
		g.Leave("flood")
		time.Sleep(time.Second)
		late := ": " + ErrLate.Error()
		got := append(turns(), others()...)
		slices.Sort(got)
		if diff := cmp.Diff([]string{"flood", "flood" + late, "polite" + late, "third" + late}, got); diff != "" {
			t.Errorf("turns (-want +got):\n%s", diff)
		}
		if diff := cmp.Diff([]time.Duration{time.Second / 2}, waited); diff != "" {
			t.Errorf("waits (-want +got):\n%s", diff)
		}
		if g.Waiting() != 0 || g.InFlight() != 1 {
			t.Errorf("%d waiting, %d in flight", g.Waiting(), g.InFlight())
		}
	})
}

func TestACallerThatLeavesTheQueueIsForgotten(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := &Gate{Slots: 1, Queue: 4, Wait: time.Hour, Now: time.Now}
		enter(t, g, "first")
		ctx, leave := context.WithCancel(t.Context())
		left := make(chan error, 1)
		go func() { left <- g.Enter(ctx, "gone") }()
		synctest.Wait()
		leave()
		if err := <-left; !errors.Is(err, context.Canceled) || g.Waiting() != 0 {
			t.Errorf("Enter = %v, %d waiting", err, g.Waiting())
		}
		g.Leave("first")
		enter(t, g, "second") // the gate did not give the slot to a caller that is gone
	})
}

// Concurrent callers never take more than the slots, and return all of them.
func TestGateHolds(t *testing.T) {
	for _, spare := range []bool{false, true} {
		t.Run("spare="+strconv.FormatBool(spare), func(t *testing.T) {
			g := &Gate{Slots: 4, Queue: 16, Wait: 5 * time.Millisecond, Spare: spare, Now: time.Now}
			var in, most, entered atomic.Int64
			var all sync.WaitGroup
			for i := range 32 {
				by := strconv.Itoa(i % 5)
				all.Go(func() {
					for range 200 {
						ctx, cancel := context.WithTimeout(t.Context(), time.Duration(rand.IntN(3000))*time.Microsecond)
						if i%8 == 0 {
							g.Take(by)
						} else if g.Enter(ctx, by) != nil {
							cancel()
							continue
						}
						now := in.Add(1)
						for seen := most.Load(); now > seen && !most.CompareAndSwap(seen, now); seen = most.Load() {
						}
						entered.Add(1)
						time.Sleep(time.Duration(rand.IntN(100)) * time.Microsecond)
						in.Add(-1)
						g.Leave(by)
						cancel()
					}
				})
			}
			all.Wait()
			if most.Load() > 4 || entered.Load() < 4*200 {
				t.Errorf("%d at once, %d entered", most.Load(), entered.Load())
			}
			if g.InFlight() != 0 || g.Waiting() != 0 || len(g.held) != 0 || len(g.lines) != 0 {
				t.Errorf("%d in flight, %d waiting, %d held, %d lines at the end", g.InFlight(), g.Waiting(), len(g.held), len(g.lines))
			}
		})
	}
}
