package verifier

import (
	"errors"
	"math/rand/v2"
	"testing"
	"time"
)

// Whatever comes when, nothing is taken twice within its lifetime, and no more is
// remembered than the limit.
func TestSeenNeverForgetsEarly(t *testing.T) {
	const lifetime, limit = time.Minute, 20
	for seed := range uint64(20) {
		random := rand.New(rand.NewPCG(seed, 0))
		s := newSeen(lifetime, limit)
		now := time.Unix(1_800_000_000, 0)
		taken := make(map[[32]byte]time.Time)
		refused, full := 0, 0
		for range 5_000 {
			now = now.Add(time.Duration(random.Int64N(int64(6 * time.Second))))
			id := [32]byte{byte(random.IntN(60))}
			err := s.add(id, now)
			at, before := taken[id]
			switch {
			case err == nil:
				if before && now.Sub(at) <= lifetime {
					t.Fatalf("it is taken again after %v", now.Sub(at))
				}
				taken[id] = now
			case errors.Is(err, ErrUnavailable):
				full++
			case !errors.Is(err, errSeen):
				t.Fatal(err)
			default:
				refused++
			}
			if n := len(s.younger) + len(s.old); n > limit {
				t.Fatalf("%d are remembered", n)
			}
		}
		if refused == 0 || full == 0 {
			t.Errorf("nothing came twice (%d) or it was never full (%d)", refused, full)
		}
	}
}
