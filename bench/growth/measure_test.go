package growth

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"authserver/internal/store"
)

// calls is how often a call is made, one after the other, before the next size.
const calls = 100

// call is a call of the store by a request.
type call struct {
	name string
	do   func(context.Context, *database, time.Time) error
}

func requests() []call {
	return []call{
		{"refresh (rotate a family)", func(ctx context.Context, d *database, now time.Time) error {
			return rotate(ctx, d, bytes16(familiesSeed, rand.IntN(d.rows)), now, idle)
		}},
		{"password (find the user by name)", func(ctx context.Context, d *database, _ time.Time) error {
			_, err := d.UserByName(ctx, store.ByUsername, username(rand.IntN(d.rows)))
			return err
		}},
		{"password (by an email address)", func(ctx context.Context, d *database, _ time.Time) error {
			_, err := d.UserByName(ctx, store.ByEmail, username(rand.IntN(d.rows))+"@example.com")
			return err
		}},
		{"password (begin a family)", func(ctx context.Context, d *database, now time.Time) error {
			d.next++
			f := family(d.next, now)
			f.UserID = userID(rand.IntN(d.rows))
			return d.CreateFamily(ctx, f)
		}},
		{"introspect a refresh token", func(ctx context.Context, d *database, _ time.Time) error {
			_, err := d.Family(ctx, bytes16(familiesSeed, rand.IntN(d.rows)))
			return err
		}},
		{"revoke an access token", func(ctx context.Context, d *database, now time.Time) error {
			d.next++
			return d.Revoke(ctx, void(revocation(d.next, now)))
		}},
	}
}

// rotate refreshes a family, whatever its generation: a token that is newer than the row is one
// whose commit was lost.
func rotate(ctx context.Context, d *database, id store.FamilyID, now time.Time, idle time.Duration) error {
	got, err := d.Rotate(ctx, store.Rotation{
		Exchange: store.Exchange{
			ID: id, ClientID: client, ClientNotBefore: registered(),
			Candidates: []store.Candidate{{Resource: "https://api.example.com"}}, Now: store.At(now), Idle: idle, Voids: reuse(id, now),
		},
		Generation: d.generation.Add(1), Grace: 10 * time.Second,
	})
	if err == nil && got.Outcome != store.Rotated {
		return fmt.Errorf("a refresh was %s", got.Outcome)
	}
	return err
}

// cost is the cost of one call at one size.
type cost struct {
	median time.Duration
	ratio  float64 // to the smallest size
	spread float64 // of the ratios: half of the difference between the quartiles
}

// measure makes each call at each size in turn, so that other work of the machine affects all of
// them equally. The figure of a round is the median of its calls, that of a size is the median of
// its rounds, and the ratios are of figures of one round.
func measure(tb testing.TB, ctx context.Context, databases []*database, rounds int) map[string][]cost {
	tb.Helper()
	found := map[string][]cost{}
	for _, c := range requests() {
		medians := make([][]float64, len(databases))
		for round := range rounds + 1 {
			for at := range databases {
				i := (at + round) % len(databases) // so that each comes first at some time
				took := make([]float64, calls)
				for n := range took {
					began := time.Now()
					ok(tb, c.do(ctx, databases[i], began))
					took[n] = float64(time.Since(began))
				}
				if round > 0 { // the first round only warms up
					medians[i] = append(medians[i], quantile(took, 0.5))
				}
			}
		}
		for i := range databases {
			ratios := make([]float64, rounds)
			for round := range ratios {
				ratios[round] = medians[i][round] / medians[0][round]
			}
			found[c.name] = append(found[c.name], cost{
				median: time.Duration(quantile(medians[i], 0.5)),
				ratio:  quantile(ratios, 0.5),
				spread: (quantile(ratios, 0.75) - quantile(ratios, 0.25)) / 2,
			})
		}
	}
	return found
}

func quantile(values []float64, q float64) float64 {
	sorted := slices.Sorted(slices.Values(values))
	return sorted[int(math.Round(q*float64(len(sorted)-1)))]
}
