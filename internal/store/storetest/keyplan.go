package storetest

import (
	"context"
	"errors"
	"testing"
	"time"

	"authserver/internal/store"
)

func keyPlanTests() []test {
	return []test{
		{"lifetimes that servers promised come back, those said last of each", with(lifetimesRead)},
		{"lifetimes that come into force void what was planned without them", with(lifetimesConflict)},
		{"a server that plans while lifetimes come into force has seen them or is refused", lifetimesRace},
	}
}

func lifetimes(server string, jwksMaxAge, keptUntil time.Duration) store.Lifetimes {
	return store.Lifetimes{
		Server: server, RotationInterval: 30 * 24 * time.Hour, JWKSMaxAge: jwksMaxAge, PollInterval: 1500 * time.Millisecond, ClockSkew: 0,
		MaxTokenTTL: 24 * time.Hour, KeptUntil: at(keptUntil),
	}
}

func lifetimesRead(t *testing.T, ctx context.Context, s store.Store) {
	same(t, must[store.KeyPlan](t)(s.KeyPlan(ctx, at(0))).Lifetimes, nil)
	for _, l := range []store.Lifetimes{
		lifetimes("b", time.Minute, time.Hour), lifetimes("a", time.Hour, time.Hour), lifetimes("a", time.Minute, 2*time.Hour), lifetimes("b", time.Minute, time.Second),
	} {
		ok(t, s.PromiseLifetimes(ctx, l, at(0)))
	}
	same(t, must[store.KeyPlan](t)(s.KeyPlan(ctx, at(0))).Lifetimes,
		[]store.Lifetimes{lifetimes("a", time.Minute, 2*time.Hour), lifetimes("b", time.Minute, time.Second)})
}

func lifetimesConflict(t *testing.T, ctx context.Context, s store.Store) {
	for _, step := range []struct {
		what  string
		given store.Lifetimes
		now   time.Duration
		moves bool
	}{
		{"the first", lifetimes("a", time.Minute, time.Minute), 0, true},
		{"the same, said again", lifetimes("a", time.Minute, 2*time.Minute), 30 * time.Second, false},
		{"others of the same server", lifetimes("a", time.Hour, 2*time.Minute), 30 * time.Second, true},
		{"those of another server", lifetimes("b", time.Hour, 2*time.Minute), 30 * time.Second, true},
		{"that it serves no longer", lifetimes("b", time.Hour, 40*time.Second), 40 * time.Second, false},
		{"the same, after it kept them no longer", lifetimes("b", time.Hour, time.Hour), 2 * time.Minute, true},
	} {
		before := must[store.KeyPlan](t)(s.KeyPlan(ctx, at(0))).Version
		ok(t, s.PromiseLifetimes(ctx, step.given, at(step.now)))
		err := s.ChangeKeyPlan(ctx, store.KeyPlanChange{Version: before}, By())
		if moved := errors.Is(err, store.ErrConflict); moved != step.moves || err != nil && !moved {
			t.Errorf("%s: a plan from before ends in %v", step.what, err)
		}
	}
}

// If the change was committed before the promise, the promising server reads it. Otherwise the
// change was planned with the promise.
func lifetimesRace(t *testing.T, open Open) {
	ctx, one := migrated(t, open)
	other := open()
	for round := range 20 {
		kid := string(rune('a' + round))
		errs := concurrently(2, func(i int) error {
			if i == 0 {
				return one.PromiseLifetimes(ctx, lifetimes(kid, time.Minute, time.Hour), at(0))
			}
			plan, err := other.KeyPlan(ctx, at(0))
			if err != nil {
				return err
			}
			if len(plan.Lifetimes) == round+1 {
				return nil // the promise was quicker
			}
			err = other.ChangeKeyPlan(ctx, store.KeyPlanChange{Version: plan.Version, Add: []store.SigningKey{aKey(kid, kid, "", 0)}}, By())
			if errors.Is(err, store.ErrConflict) {
				return nil
			}
			// The change was made: the promise waited for it, or was not made yet.
			return err
		})
		for _, err := range errs {
			ok(t, err)
		}
		same(t, len(must[store.KeyPlan](t)(one.KeyPlan(ctx, at(0))).Lifetimes), round+1)
	}
}
