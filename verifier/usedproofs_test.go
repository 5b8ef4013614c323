package verifier

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math/rand/v2"
	"runtime"
	"testing"
	"time"
)

func (u *usedProofs) remembered() int {
	n := 0
	for _, s := range u.slots {
		n += len(s.ids)
	}
	return n
}

func proofID(n int) (id [32]byte) {
	binary.LittleEndian.PutUint64(id[:], uint64(n))
	return id
}

// In any order of events, no proof is accepted twice while it is valid, and the verifier remembers
// no more than the limit, even if the clock goes back.
func TestNoProofIsTakenTwice(t *testing.T) {
	const life, limit = time.Minute, 20
	for seed := range uint64(20) {
		random := rand.New(rand.NewPCG(seed, 0))
		u := newUsedProofs(life, limit)
		now := time.Unix(1_800_000_000, 0)
		taken := map[[32]byte]time.Time{} // until when they are valid
		used, full := 0, 0
		for range 5_000 {
			now = now.Add(time.Duration(random.Int64N(int64(6*time.Second))) - 500*time.Millisecond)
			n := random.IntN(60)
			id, until := proofID(n), now.Add(time.Duration(random.Int64N(int64(life))))
			if good, again := taken[id]; again && now.Before(good) {
				until = good // it is the same proof
			}
			err := u.add(id, holder{"web", "alice", fmt.Sprint(n % 7)}, until, now)
			good, before := taken[id]
			switch {
			case err == nil:
				if before && !now.After(good) {
					t.Fatalf("it is taken again %v before its end", good.Sub(now))
				}
				taken[id] = until
			case errors.Is(err, ErrUnavailable):
				full++
			case errors.Is(err, errUsed):
				used++
			default:
				t.Fatal(err)
			}
			if n := u.remembered(); n > limit {
				t.Fatalf("%d are remembered", n)
			}
		}
		if used == 0 || full == 0 {
			t.Errorf("none came twice (%d) or it was never full (%d)", used, full)
		}
	}
}

// Holders that use everything that they may, one after the other, leave places for the next ones.
func TestGreedyHoldersLeavePlaces(t *testing.T) {
	const limit = 10_000
	web := func(subject, key int) holder { return holder{"web", fmt.Sprint(subject), fmt.Sprint(key)} }
	newcomer := holder{"web", "newcomer", "its key"}
	for _, test := range []struct {
		name     string
		greedy   int
		holder   func(n int) holder // the nth greedy holder
		newcomer holder
		most     int // places of 100 for the greedy holders
		least    int // places for the next holder
	}{
		{"one key", 1, func(int) holder { return web(1, 1) }, holder{"web", "1", "its key"}, 39, 1500},
		{"as many keys as there are places, of one subject", limit, func(n int) holder { return web(1, n) }, newcomer, 62, 900},
		{"as many subjects as there are places, of one client", limit, func(n int) holder { return web(n, n) }, holder{"batch", "bob", "key"}, 79, 300},
		{"fifty keys of fifty clients", 50, func(n int) holder { return holder{fmt.Sprint(n), fmt.Sprint(n), fmt.Sprint(n)} }, newcomer, 99, 2},
		{"twenty clients with as many keys as there are places", limit, func(n int) holder { return holder{fmt.Sprint(n % 20), fmt.Sprint(n), fmt.Sprint(n)} }, newcomer, 100, 1},
	} {
		t.Run(test.name, func(t *testing.T) {
			u := newUsedProofs(time.Minute, limit)
			now, n := time.Unix(1_800_000_000, 0), 0
			fill := func(by holder) int {
				for given := 0; ; given++ {
					n++
					err := u.add(proofID(n), by, now.Add(time.Minute), now)
					if errors.Is(err, ErrUnavailable) {
						return given
					}
					if err != nil {
						t.Fatal(err)
					}
				}
			}
			most := 0
			for g := range test.greedy {
				most += fill(test.holder(g))
			}
			for g := range test.greedy {
				if more := fill(test.holder(g)); more > 0 {
					t.Fatalf("a greedy one was given %d more the second time", more)
				}
			}
			if most > test.most*limit/100 {
				t.Errorf("the greedy were given %d of %d", most, limit)
			}
			if given := fill(test.newcomer); given < test.least {
				t.Errorf("the newcomer was given %d, want at least %d", given, test.least)
			}
			now = now.Add(time.Minute + u.slice)
			if alone := fill(test.holder(0)); alone < limit*38/100 || alone > limit*39/100 {
				t.Errorf("a key alone was given %d afterwards", alone)
			}
		})
	}
}

// The memory is as [Options.MaxProofs] says, even if each proof has a holder of its own.
func TestTheMemoryOfUsedProofs(t *testing.T) {
	const limit = 100_000
	heap := func() uint64 {
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return m.HeapAlloc
	}
	before := heap()
	u := newUsedProofs(time.Minute, limit)
	now := time.Unix(1_800_000_000, 0)
	for n := range limit {
		name := fmt.Sprint(n)
		if err := u.add(proofID(n), holder{name, name, name}, now.Add(time.Minute), now); err != nil {
			t.Fatal(n, err)
		}
	}
	if per := (heap() - before) / limit; per > 160 {
		t.Errorf("%d bytes for a proof", per)
	}
	runtime.KeepAlive(u)
}

func BenchmarkUsedProofs(b *testing.B) {
	u := newUsedProofs(3*time.Minute, 200_000)
	now, n := time.Unix(1_800_000_000, 0), 0
	for b.Loop() {
		n++
		now = now.Add(2 * time.Millisecond)
		if err := u.add(proofID(n), holder{"web", "alice", "key"}, now.Add(2*time.Minute), now); err != nil {
			b.Fatal(err)
		}
	}
}
