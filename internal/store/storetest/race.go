package storetest

import (
	"context"
	"fmt"
	"testing"
	"time"

	"authserver/internal/store"
)

func raceTests() []test {
	return []test{
		{"of a hundred rotations of one generation exactly one moves the family", rotateRace},
		{"of a hundred rotations without grace one moves, one is reuse and the rest find it revoked", reuseRace},
		{"of a hundred rotations of a bound family, half with the key, one of those moves it", boundRace},
		{"a rotation and a revocation at once leave the family revoked", rotateRevokeRace},
		{"no rotation that begins after a user was disabled succeeds", disableRace},
		{"of many updates of one version exactly one is taken", updateRace},
		{"of many registrations with one iss that were compared with none exactly one is taken", siblingRace},
		{"many kinds of work at once end without an error", mixedRace},
	}
}

func rotateRace(t *testing.T, open Open) {
	ctx, one := migrated(t, open)
	handles := []store.Store{one, open()}
	f := withFamily(t, ctx, one)
	const steps = 5
	for step := range uint32(steps) {
		results := concurrently(100, func(i int) store.Outcome {
			got, err := handles[i%2].Rotate(ctx, present(f, step+1, time.Minute))
			if err != nil {
				t.Error(err)
			}
			if got.Family.Generation != step+2 || got.User.ID != "alice" {
				t.Errorf("step %d: generation %d of the user %q", step, got.Family.Generation, got.User.ID)
			}
			return got.Outcome
		})
		same(t, count(results), map[store.Outcome]int{store.Rotated: 1, store.Graced: 99})
	}
	got := must[store.Family](t)(one.Family(ctx, f.ID))
	same(t, got.Generation, steps+1)
	same(t, got.RevokedAt, store.Moment{})
}

func reuseRace(t *testing.T, open Open) {
	ctx, one := migrated(t, open)
	handles := []store.Store{one, open()}
	f := withFamily(t, ctx, one)
	results := concurrently(100, func(i int) store.Outcome {
		r := present(f, 1, time.Minute)
		r.Grace = -time.Microsecond
		got, err := handles[i%2].Rotate(ctx, r)
		if err != nil {
			t.Error(err)
		}
		return got.Outcome
	})
	same(t, count(results), map[store.Outcome]int{store.Rotated: 1, store.Reused: 1, store.Revoked: 98})
	same(t, len(recorded(t, ctx, one)), 1)
}

func boundRace(t *testing.T, open Open) {
	ctx, one := migrated(t, open)
	handles := []store.Store{one, open()}
	withFamily(t, ctx, one)
	f := aFamily(2)
	f.BoundTo = aThumbprint
	ok(t, one.CreateFamily(ctx, f))
	results := concurrently(100, func(i int) store.Outcome {
		r := present(f, 1, time.Minute)
		r.Proved = [][]string{{aThumbprint}, nil, {anotherThumbprint, aThumbprint}, {anotherThumbprint}}[i/2%4]
		got, err := handles[i%2].Rotate(ctx, r)
		if err != nil {
			t.Error(err)
		}
		return got.Outcome
	})
	same(t, count(results), map[store.Outcome]int{store.Rotated: 1, store.Graced: 49, store.WrongKey: 50})
	got := must[store.Family](t)(one.Family(ctx, f.ID))
	same(t, got.Generation, 2)
	same(t, got.RevokedAt, store.Moment{})
}

func rotateRevokeRace(t *testing.T, open Open) {
	ctx, one := migrated(t, open)
	two := open()
	withFamily(t, ctx, one)
	for i := range 100 {
		f := aFamily(byte(i + 2))
		ok(t, one.CreateFamily(ctx, f))
		concurrently(2, func(i int) error {
			if i == 0 {
				err := two.RevokeFamily(ctx, f.ID, Voiding(voidsFamily(f.ID, time.Minute, "revoked")))
				if err != nil {
					t.Error(err)
				}
				return nil
			}
			got, err := one.Rotate(ctx, present(f, 1, time.Minute))
			if err != nil {
				t.Error(err)
			}
			if got.Outcome != store.Rotated && got.Outcome != store.Revoked {
				t.Errorf("got outcome %d", got.Outcome)
			}
			return nil
		})
		row := must[store.Family](t)(one.Family(ctx, f.ID))
		if row.RevokedAt.IsZero() {
			t.Fatal("the family lives on")
		}
		same(t, must[store.RotationResult](t)(two.Rotate(ctx, present(f, row.Generation, time.Minute))).Outcome, store.Revoked)
	}
}

func disableRace(t *testing.T, open Open) {
	ctx, one := migrated(t, open)
	two := open()
	f := withFamily(t, ctx, one)
	stop := make(chan struct{})
	disabled := make(chan error, 1)
	go func() {
		u, err := two.User(ctx, "alice")
		if err == nil {
			u.Disabled = true
			err = two.UpdateUser(ctx, u, By())
		}
		close(stop)
		disabled <- err
	}()
	rotateUntil(t, ctx, one, f, stop)
	ok(t, <-disabled)
	row := must[store.Family](t)(one.Family(ctx, f.ID))
	same(t, must[store.RotationResult](t)(one.Rotate(ctx, present(f, row.Generation, time.Minute))).Outcome, store.Revoked)
}

// rotateUntil rotates from ten goroutines, each with the token of its last answer.
func rotateUntil(t *testing.T, ctx context.Context, s store.Store, f store.Family, stop <-chan struct{}) {
	concurrently(10, func(int) error {
		generation := uint32(1)
		for {
			select {
			case <-stop:
				return nil
			default:
			}
			got, err := s.Rotate(ctx, present(f, generation, time.Minute))
			if err != nil {
				t.Error(err)
				return nil
			}
			if got.Outcome != store.Rotated && got.Outcome != store.Graced {
				return nil // disabled, or too far behind the others
			}
			generation = got.Family.Generation
		}
	})
}

func updateRace(t *testing.T, open Open) {
	ctx, one := migrated(t, open)
	handles := []store.Store{one, open()}
	ok(t, one.CreateClient(ctx, aClient("web"), By()))
	errs := concurrently(30, func(i int) bool { return handles[i%2].UpdateClient(ctx, aClient("web"), By()) == nil })
	same(t, count(errs), map[bool]int{true: 1, false: 29})
	same(t, must[store.Client](t)(one.Client(ctx, "web")).Version, 2)
}

// siblingRace: commands compare the keys of a registration with those of the others, and write at
// the same time.
func siblingRace(t *testing.T, open Open) {
	ctx, one := migrated(t, open)
	handles := []store.Store{one, open()}
	created := concurrently(30, func(i int) error {
		issuer := anIssuer(fmt.Sprintf("cluster-%02d", i))
		issuer.Iss = "https://idp.example.com"
		return handles[i%2].CreateIssuer(ctx, issuer, By())
	})
	for _, err := range created {
		if err != nil {
			wantErr(t, err, store.ErrConflict)
		}
	}
	first := must[[]store.Issuer](t)(one.IssuersOf(ctx, "https://idp.example.com"))
	same(t, len(first), 1)

	second := anIssuer("second")
	second.Iss = first[0].Iss
	ok(t, one.CreateIssuer(ctx, second, By(), first...))
	updated := concurrently(2, func(i int) bool { // each to the key of the other
		mine, other := first[0], second
		if i == 1 {
			mine, other = second, first[0]
		}
		return handles[i].UpdateIssuer(ctx, mine, By(), other) == nil
	})
	same(t, count(updated), map[bool]int{true: 1, false: 1})
}

// mixedRace has many more callers than connections, and each makes all kinds of calls.
func mixedRace(t *testing.T, open Open) {
	ctx, one := migrated(t, open)
	handles := []store.Store{one, open()}
	withFamily(t, ctx, one)
	errs := concurrently(64, func(i int) error {
		s := handles[i%2]
		f := aFamily(byte(100 + i))
		if err := s.CreateFamily(ctx, f); err != nil {
			return err
		}
		for generation := range uint32(3) {
			if _, err := s.Rotate(ctx, present(f, generation+1, time.Minute)); err != nil {
				return err
			}
			if _, err := s.UserByName(ctx, store.ByUsername, "name-of-alice"); err != nil {
				return err
			}
			if err := s.UseOnce(ctx, store.Use{Issuer: "urn:idp", ID: [32]byte{byte(i), byte(generation)}, ExpiresAt: at(time.Hour)}); err != nil {
				return err
			}
			if _, err := s.Sweep(ctx, at(time.Minute), 10); err != nil {
				return err
			}
		}
		return s.RevokeFamily(ctx, f.ID, Voiding(voidsFamily(f.ID, time.Minute, "revoked")))
	})
	for _, err := range errs {
		if err != nil {
			t.Error(err)
		}
	}
	same(t, len(recorded(t, ctx, one)), 64)
}
