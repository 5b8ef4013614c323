package storetest

import (
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	"authserver/internal/oauth"
	"authserver/internal/store"
)

func assertionTests() []test {
	return []test{
		{"an assertion is good once per issuer", with(assertionOnce)},
		{"of several uses all are recorded, or none", with(assertionsTogether)},
		{"of a hundred uses at once exactly one succeeds", assertionRace},
		{"of a hundred uses of several at once, in any order, exactly one succeeds", assertionsRace},
		{"a family is begun once with one use", with(familyOnce)},
		{"a rotation moves once with one use, and a second time is no theft", with(rotateOnce)},
		{"a rotation that is refused uses nothing up", with(refusedUsesNothing)},
		{"of a hundred rotations with one use exactly one is good", rotateOnceRace},
	}
}

// aUse returns a use of an assertion of an issuer.
func aUse(issuer string, id byte) store.Use {
	return store.Use{Issuer: issuer, ID: [32]byte{31: id}, ExpiresAt: at(time.Hour)}
}

// wantReplay requires that a step is refused because of the use at a position.
func wantReplay(t *testing.T, err error, of int) {
	t.Helper()
	var replayed *store.ReplayedError
	if !errors.As(err, &replayed) || replayed.Index != of {
		t.Fatalf("got error %v, want that use %d was made before", err, of)
	}
}

func wantUsed(t *testing.T, ctx context.Context, s store.Store, u store.Use, want bool) {
	t.Helper()
	same(t, must[bool](t)(s.AssertionUsed(ctx, u.Issuer, u.ID)), want)
}

func assertionOnce(t *testing.T, ctx context.Context, s store.Store) {
	one, other := aUse("https://idp.example.com", 1), aUse("https://other.example.com", 1)
	wantUsed(t, ctx, s, one, false)
	wantUsed(t, ctx, s, one, false) // the question uses nothing up
	ok(t, s.UseOnce(ctx, one))
	one.ExpiresAt = at(2 * time.Hour)
	wantReplay(t, s.UseOnce(ctx, one), 0)
	wantUsed(t, ctx, s, one, true)
	wantUsed(t, ctx, s, other, false)
	ok(t, s.UseOnce(ctx, other))
	ok(t, s.UseOnce(ctx, aUse("https://idp.example.com", 0)))
	ok(t, s.UseOnce(ctx)) // without a use
}

func assertionsTogether(t *testing.T, ctx context.Context, s store.Store) {
	a, b, c := aUse("web", 1), aUse("dpop", 1), aUse("https://idp.example.com", 2)
	ok(t, s.UseOnce(ctx, b))
	wantReplay(t, s.UseOnce(ctx, a, b, c), 1)
	wantUsed(t, ctx, s, a, false)
	wantUsed(t, ctx, s, c, false)
	wantReplay(t, s.UseOnce(ctx, a, c, a), 2)
	wantUsed(t, ctx, s, a, false)
	ok(t, s.UseOnce(ctx, c, a))
	for _, u := range []store.Use{a, b, c} {
		wantUsed(t, ctx, s, u, true)
	}
	wantReplay(t, s.UseOnce(ctx, c, a), 0)
}

func assertionRace(t *testing.T, open Open) {
	ctx, one := migrated(t, open)
	handles := []store.Store{one, open()}
	wantOne(t, concurrently(100, func(i int) error { return handles[i%2].UseOnce(ctx, aUse("https://idp.example.com", 1)) }))
}

func assertionsRace(t *testing.T, open Open) {
	ctx, one := migrated(t, open)
	handles := []store.Store{one, open()}
	wantOne(t, concurrently(100, func(i int) error {
		uses := []store.Use{aUse("web", 1), aUse("dpop", 1)}
		if i/2%2 == 0 {
			slices.Reverse(uses)
		}
		return handles[i%2].UseOnce(ctx, uses...)
	}))
}

// wantOne requires one success, and replays otherwise.
func wantOne(t *testing.T, errs []error) {
	t.Helper()
	good := 0
	for _, err := range errs {
		var replayed *store.ReplayedError
		switch {
		case err == nil:
			good++
		case !errors.As(err, &replayed):
			t.Error(err)
		}
	}
	same(t, good, 1)
}

func familyOnce(t *testing.T, ctx context.Context, s store.Store) {
	withFamily(t, ctx, s)
	proof, assertion := aUse("dpop", 1), aUse("web", 1)
	orphan := aFamily(2)
	orphan.UserID = "nobody"
	wantErr(t, s.CreateFamily(ctx, orphan, proof), store.ErrNotFound)
	wantErr(t, s.CreateFamily(ctx, aFamily(1), proof), store.ErrExists)
	wantUsed(t, ctx, s, proof, false)
	ok(t, s.CreateFamily(ctx, aFamily(2), assertion, proof))
	same(t, must[store.Family](t)(s.Family(ctx, aFamily(2).ID)), aFamily(2))
	for _, uses := range [][]store.Use{{proof}, {aUse("web", 2), proof}, {aUse("web", 3), aUse("web", 3)}} {
		wantReplay(t, s.CreateFamily(ctx, aFamily(3), uses...), len(uses)-1)
		_, err := s.Family(ctx, aFamily(3).ID)
		wantErr(t, err, store.ErrNotFound)
	}
	wantUsed(t, ctx, s, aUse("web", 2), false)
}

func rotateOnce(t *testing.T, ctx context.Context, s store.Store) {
	f := withFamily(t, ctx, s)
	r := present(f, 1, time.Minute)
	r.Uses = []store.Use{aUse("web", 1), aUse("dpop", 1)}
	moved := must[store.RotationResult](t)(s.Rotate(ctx, r))
	same(t, moved.Outcome, store.Rotated)
	same(t, moved.Family.Generation, 2)
	again := store.RotationResult{Outcome: store.UsedBefore, Family: moved.Family, User: moved.User}
	same(t, must[store.RotationResult](t)(s.Rotate(ctx, r)), again)
	late := r
	late.Now = at(30 * time.Minute)
	same(t, must[store.RotationResult](t)(s.Rotate(ctx, late)), again) // no theft, although the grace is over
	r.Uses = []store.Use{aUse("web", 2), aUse("dpop", 1)}
	again.Replay = 1
	same(t, must[store.RotationResult](t)(s.Rotate(ctx, r)), again)
	wantUsed(t, ctx, s, aUse("web", 2), false)
	r.Uses = []store.Use{aUse("web", 2), aUse("dpop", 2)}
	same(t, must[store.RotationResult](t)(s.Rotate(ctx, r)).Outcome, store.Graced) // the answer was lost
	wantUsed(t, ctx, s, aUse("web", 2), true)
	r.Generation, r.Uses = 2, []store.Use{aUse("web", 3), aUse("web", 3)}
	same(t, must[store.RotationResult](t)(s.Rotate(ctx, r)).Outcome, store.UsedBefore)
	same(t, must[store.Family](t)(s.Family(ctx, f.ID)), moved.Family)
	same(t, len(recorded(t, ctx, s)), 0)
}

func refusedUsesNothing(t *testing.T, ctx context.Context, s store.Store) {
	f := withFamily(t, ctx, s)
	for i, ask := range []func(*store.Rotation){
		func(r *store.Rotation) { r.ID[0]++ },
		func(r *store.Rotation) { r.ClientID = "x" },
		func(r *store.Rotation) { r.Now = at(99 * time.Hour) },
		func(r *store.Rotation) { r.Scope = oauth.Scope{"admin"} },
		func(r *store.Rotation) { r.Generation = 0 },
	} {
		r := present(f, 1, time.Minute)
		r.Uses = []store.Use{aUse("dpop", byte(i)), aUse("web", byte(i))}
		ask(&r)
		got := must[store.RotationResult](t)(s.Rotate(ctx, r))
		if got.Outcome == store.Rotated || got.Outcome == store.Graced || got.Outcome == store.UsedBefore {
			t.Fatalf("got outcome %s", got.Outcome)
		}
		wantUsed(t, ctx, s, r.Uses[0], false)
		wantUsed(t, ctx, s, r.Uses[1], false)
	}
}

func rotateOnceRace(t *testing.T, open Open) {
	ctx, one := migrated(t, open)
	handles := []store.Store{one, open()}
	f := withFamily(t, ctx, one)
	other := aFamily(2)
	ok(t, one.CreateFamily(ctx, other))
	results := concurrently(100, func(i int) store.Outcome {
		r := present([]store.Family{f, other}[i/2%2], 1, time.Minute)
		r.Uses = []store.Use{aUse("dpop", 1)}
		got, err := handles[i%2].Rotate(ctx, r)
		if err != nil {
			t.Error(err)
		}
		return got.Outcome
	})
	same(t, count(results), map[store.Outcome]int{store.Rotated: 1, store.UsedBefore: 99})
	same(t, must[store.Family](t)(one.Family(ctx, f.ID)).Generation+must[store.Family](t)(one.Family(ctx, other.ID)).Generation, 3)
}
