package storetest

import (
	"context"
	"testing"
	"time"

	"authserver/internal/store"
)

func putBackTests() []test {
	return []test{
		{"a rotation that is put back leaves nothing behind", with(putBackAll)},
		{"a use of a refresh token that is kept is put back too", with(putBackKept)},
		{"a rotation that is put back lets go of the key that it bound the family to", with(putBackBound)},
		{"only the rotation itself is put back, and only before its successor is used", with(putBackOwn)},
		{"what is good once is forgotten with the rotation that used it up, and with no other", with(putBackUses)},
		{"to put back what is gone is no error", with(putBackGone)},
		{"a client that got the successor of a rotation that was put back goes on with it", with(putBackDelivered)},
		{"of a rotation and what puts it back at once the later one holds", putBackRace},
	}
}

func mustRotate(t *testing.T, ctx context.Context, s store.Store, r store.Rotation, want store.Outcome) store.RotationResult {
	t.Helper()
	got := must[store.RotationResult](t)(s.Rotate(ctx, r))
	same(t, got.Outcome, want)
	return got
}

func putBackAll(t *testing.T, ctx context.Context, s store.Store) {
	f := withFamily(t, ctx, s)
	first := present(f, 1, time.Minute)
	first.Clock = by(7)
	before := mustRotate(t, ctx, s, first, store.Rotated).Family
	failed := present(f, 2, 30*time.Minute)
	failed.Clock, failed.Idle = by(8), time.Minute
	mustRotate(t, ctx, s, failed, store.Rotated)
	ok(t, s.PutBack(ctx, failed, store.Rotated))
	same(t, must[store.Family](t)(s.Family(ctx, f.ID)), before)
	ok(t, s.PutBack(ctx, failed, store.Rotated)) // a second time changes nothing
	same(t, must[store.Family](t)(s.Family(ctx, f.ID)), before)
	same(t, len(recorded(t, ctx, s)), 0)

	// A graced rotation stays graced, and after hours the token is as good as before.
	mustRotate(t, ctx, s, present(f, 1, time.Minute), store.Graced)
	again := present(f, 2, 59*time.Minute)
	same(t, mustRotate(t, ctx, s, again, store.Rotated).Family.Generation, 3)
}

func putBackKept(t *testing.T, ctx context.Context, s store.Store) {
	f := withFamily(t, ctx, s)
	failed := present(f, 1, time.Minute)
	failed.Clock, failed.Keep = by(1), true
	mustRotate(t, ctx, s, failed, store.Rotated)
	ok(t, s.PutBack(ctx, failed, store.Rotated))
	same(t, must[store.Family](t)(s.Family(ctx, f.ID)), f)
}

func putBackBound(t *testing.T, ctx context.Context, s store.Store) {
	f := withFamily(t, ctx, s)
	failed := present(f, 1, time.Minute)
	failed.Clock, failed.Proved, failed.Binds = by(1), []string{aThumbprint}, aThumbprint
	same(t, mustRotate(t, ctx, s, failed, store.Rotated).Family.BoundTo, aThumbprint)
	ok(t, s.PutBack(ctx, failed, store.Rotated))
	same(t, must[store.Family](t)(s.Family(ctx, f.ID)), f)

	other := present(f, 1, time.Minute)
	other.Clock, other.Proved, other.Binds = by(1), []string{anotherThumbprint}, anotherThumbprint
	mustRotate(t, ctx, s, other, store.Rotated)
	next := present(f, 2, 2*time.Minute)
	next.Clock, next.Proved, next.Binds = by(1), []string{anotherThumbprint, aThumbprint}, aThumbprint
	bound := mustRotate(t, ctx, s, next, store.Rotated).Family
	ok(t, s.PutBack(ctx, next, store.Rotated))
	bound.Generation, bound.RotatedAt, bound.IdleExpiresAt = 2, at(time.Minute), at(time.Minute+time.Hour)
	same(t, must[store.Family](t)(s.Family(ctx, f.ID)), bound)
}

func putBackOwn(t *testing.T, ctx context.Context, s store.Store) {
	f := withFamily(t, ctx, s)
	mine := present(f, 1, time.Minute)
	mine.Clock = by(1)
	ok(t, s.PutBack(ctx, mine, store.Unknown)) // the rotation never happened
	same(t, must[store.Family](t)(s.Family(ctx, f.ID)), f)

	moved := mustRotate(t, ctx, s, mine, store.Rotated).Family
	other := mine
	other.Clock = by(2)
	later := mine
	later.Now = at(time.Minute + time.Microsecond)
	for _, r := range []store.Rotation{other, later} {
		ok(t, s.PutBack(ctx, r, store.Unknown))
		same(t, must[store.Family](t)(s.Family(ctx, f.ID)), moved)
	}
	graced := mine
	mustRotate(t, ctx, s, graced, store.Graced)
	ok(t, s.PutBack(ctx, graced, store.Graced))
	same(t, must[store.Family](t)(s.Family(ctx, f.ID)), moved)

	next := present(f, 2, 2*time.Minute)
	next.Clock = by(1)
	moved = mustRotate(t, ctx, s, next, store.Rotated).Family
	ok(t, s.PutBack(ctx, mine, store.Rotated))
	same(t, must[store.Family](t)(s.Family(ctx, f.ID)), moved)
}

func putBackUses(t *testing.T, ctx context.Context, s store.Store) {
	f := withFamily(t, ctx, s)
	of := func(number byte) []store.Use {
		return []store.Use{{Issuer: "dpop", ID: [32]byte{number}, ExpiresAt: at(time.Hour)}, {Issuer: "web", ID: [32]byte{number}, ExpiresAt: at(time.Hour)}}
	}
	rotation := func(generation uint32, number byte) store.Rotation {
		r := present(f, generation, time.Minute)
		r.Clock, r.Uses = by(1), of(number)
		return r
	}
	again := func(number byte, want bool) {
		t.Helper()
		for _, u := range of(number) {
			same(t, must[bool](t)(s.AssertionUsed(ctx, u.Issuer, u.ID)), want)
		}
	}
	mustRotate(t, ctx, s, rotation(1, 1), store.Rotated)
	again(1, true)
	ok(t, s.PutBack(ctx, rotation(1, 1), store.Rotated))
	again(1, false)
	mustRotate(t, ctx, s, rotation(1, 1), store.Rotated)
	ok(t, s.PutBack(ctx, rotation(1, 1), store.Unknown)) // the row shows that it was this rotation
	again(1, false)

	mustRotate(t, ctx, s, rotation(1, 2), store.Rotated)
	mustRotate(t, ctx, s, rotation(1, 3), store.Graced)
	ok(t, s.PutBack(ctx, rotation(1, 3), store.Graced))
	again(2, true)
	again(3, false)

	mustRotate(t, ctx, s, rotation(2, 4), store.Rotated)
	ok(t, s.PutBack(ctx, rotation(1, 2), store.Unknown)) // its successor was used, so the client had the answer
	again(2, true)
	again(4, true)
}

func putBackGone(t *testing.T, ctx context.Context, s store.Store) {
	f := withFamily(t, ctx, s)
	r := present(f, 1, time.Minute)
	r.ID[0]++
	ok(t, s.PutBack(ctx, r, store.Unknown))

	r = present(f, 1, time.Minute)
	r.Clock = by(1)
	mustRotate(t, ctx, s, r, store.Rotated)
	ok(t, s.RevokeFamily(ctx, f.ID, Voiding(voidsFamily(f.ID, time.Minute, "revoked"))))
	ok(t, s.PutBack(ctx, r, store.Rotated))
	mustRotate(t, ctx, s, present(f, 1, time.Minute), store.Revoked)
}

func putBackDelivered(t *testing.T, ctx context.Context, s store.Store) {
	f := withFamily(t, ctx, s)
	r := present(f, 1, time.Minute)
	r.Clock = by(1)
	mustRotate(t, ctx, s, r, store.Rotated)
	mustRotate(t, ctx, s, r, store.Graced) // a caller that got its answer
	ok(t, s.PutBack(ctx, r, store.Rotated))
	same(t, mustRotate(t, ctx, s, present(f, 2, 2*time.Minute), store.Rotated).Family.Generation, 3)
	mustRotate(t, ctx, s, present(f, 1, 2*time.Minute), store.Reused)
}

func putBackRace(t *testing.T, open Open) {
	ctx, one := migrated(t, open)
	handles := []store.Store{one, open()}
	f := withFamily(t, ctx, one)
	results := concurrently(64, func(i int) store.Outcome {
		r := present(f, 1, time.Minute)
		r.Clock = by(store.ClockID(i + 1))
		got, err := handles[i%2].Rotate(ctx, r)
		if err != nil {
			t.Error(err)
		}
		if got.Outcome == store.Rotated {
			if err := handles[(i+1)%2].PutBack(ctx, r, store.Rotated); err != nil {
				t.Error(err)
			}
		}
		return got.Outcome
	})
	for outcome := range count(results) {
		if outcome != store.Rotated && outcome != store.Graced {
			t.Errorf("one of them is %s", outcome)
		}
	}
	same(t, must[store.Family](t)(one.Family(ctx, f.ID)), f)
	mustRotate(t, ctx, one, present(f, 1, time.Minute), store.Rotated)
}
