package storetest

import (
	"context"
	"fmt"
	"testing"
	"time"

	"authserver/internal/store"
)

func sweepTests() []test {
	return []test{
		{"an empty store has nothing to sweep", with(sweepNothing)},
		{"families go when they are over, and not before", with(sweepFamilies)},
		{"a family that goes on being used is never swept", with(sweepLiving)},
		{"families that live do not hide those that are over", with(sweepBehind)},
		{"families of a deleted client go, and not those of its successor", with(sweepClientless)},
		{"revocations and used assertions go when they expire", with(sweepExpired)},
		{"removed signing keys go, but for the newest of an algorithm", with(sweepSigningKeys)},
		{"removed secret keys go, but for the newest of a purpose", with(sweepSecretKeys)},
		{"lifetimes go when no token and no cached key set of theirs is left", with(sweepLifetimes)},
		{"a sweep keeps to its limit and comes to an end", with(sweepLimit)},
		{"sweepers at once remove each row once", sweepRace},
	}
}

func sweepNothing(t *testing.T, ctx context.Context, s store.Store) {
	same(t, must[int](t)(s.Sweep(ctx, at(time.Hour), 100)), 0)
}

func isThere(t *testing.T, ctx context.Context, s store.Store, id store.FamilyID) bool {
	t.Helper()
	_, err := s.Family(ctx, id)
	if err != nil {
		wantErr(t, err, store.ErrNotFound)
	}
	return err == nil
}

func sweepFamilies(t *testing.T, ctx context.Context, s store.Store) {
	withFamily(t, ctx, s) // 1: idle after an hour
	short := aFamily(2)   // over after ten minutes
	short.ExpiresAt = at(10 * time.Minute)
	ok(t, s.CreateFamily(ctx, short))
	revoked := aFamily(3)
	revoked.IdleExpiresAt, revoked.ExpiresAt = at(100*time.Hour), at(100*time.Hour)
	ok(t, s.CreateFamily(ctx, revoked))
	ok(t, s.RevokeFamily(ctx, revoked.ID, Voiding(voidsFamily(revoked.ID, time.Minute, "revoked"))))

	for _, step := range []struct {
		before time.Duration
		want   int
		left   []byte
	}{
		{10 * time.Minute, 0, []byte{1, 2, 3}},
		{10*time.Minute + time.Microsecond, 1, []byte{1, 3}},
		{time.Hour, 1, []byte{1, 3}}, // the revocation of 3
		{time.Hour + time.Microsecond, 1, []byte{3}},
		{time.Minute + store.KeepRevoked, 0, []byte{3}},
		{time.Minute + store.KeepRevoked + time.Microsecond, 1, nil},
	} {
		same(t, must[int](t)(s.Sweep(ctx, at(step.before), 100)), step.want)
		var left []byte
		for number := range byte(4) {
			if isThere(t, ctx, s, aFamily(number).ID) {
				left = append(left, number)
			}
		}
		same(t, left, step.left)
	}
}

func sweepLiving(t *testing.T, ctx context.Context, s store.Store) {
	f := withFamily(t, ctx, s)
	for generation := range uint32(20) {
		now := time.Duration(generation) * 50 * time.Minute
		same(t, must[store.RotationResult](t)(s.Rotate(ctx, present(f, generation+1, now))).Outcome, store.Rotated)
		same(t, must[int](t)(s.Sweep(ctx, at(now+45*time.Minute), 100)), 0)
	}
	same(t, must[int](t)(s.Sweep(ctx, at(24*time.Hour), 100)), 1)
}

func sweepBehind(t *testing.T, ctx context.Context, s store.Store) {
	withFamily(t, ctx, s)
	for number := byte(2); number < 30; number++ {
		f := aFamily(number)
		f.IdleExpiresAt = at(time.Hour + time.Duration(number)*time.Second)
		ok(t, s.CreateFamily(ctx, f))
		if number < 29 {
			must[store.RotationResult](t)(s.Rotate(ctx, present(f, 1, 30*time.Minute)))
		}
	}
	must[store.RotationResult](t)(s.Rotate(ctx, present(aFamily(1), 1, 30*time.Minute)))
	same(t, must[int](t)(s.Sweep(ctx, at(80*time.Minute), 3)), 1)
	same(t, must[int](t)(s.Sweep(ctx, at(80*time.Minute), 3)), 0)
}

func sweepClientless(t *testing.T, ctx context.Context, s store.Store) {
	old := withFamily(t, ctx, s)
	ok(t, s.CreateClient(ctx, aClient("other"), By()))
	others := aFamily(2)
	others.ClientID = "other"
	ok(t, s.CreateFamily(ctx, others))
	voids := voidsClient("web", time.Minute)
	voids.IssuedUntil = at(1000 * time.Hour)
	ok(t, s.DeleteClient(ctx, "web", Voiding(voids)))
	ok(t, s.CreateClient(ctx, aClient("web"), By()))
	anew := aFamily(3)
	anew.ClientNotBefore = at(2 * time.Minute)
	ok(t, s.CreateFamily(ctx, anew))

	same(t, must[int](t)(s.Sweep(ctx, at(0), 100)), 1)
	same(t, must[int](t)(s.Sweep(ctx, at(0), 100)), 0)
	for id, want := range map[store.FamilyID]bool{old.ID: false, others.ID: true, anew.ID: true} {
		same(t, isThere(t, ctx, s, id), want)
	}
}

func sweepExpired(t *testing.T, ctx context.Context, s store.Store) {
	ok(t, s.Revoke(ctx, aVoid("1", time.Minute)))
	ok(t, s.Revoke(ctx, aVoid("2", time.Hour)))
	ok(t, s.UseOnce(ctx, store.Use{Issuer: "urn:idp", ID: [32]byte{1}, ExpiresAt: at(time.Minute)}))
	ok(t, s.UseOnce(ctx, store.Use{Issuer: "urn:idp", ID: [32]byte{2}, ExpiresAt: at(time.Hour)}))
	same(t, must[int](t)(s.Sweep(ctx, at(time.Minute), 100)), 0)
	same(t, must[int](t)(s.Sweep(ctx, at(time.Minute+time.Microsecond), 100)), 2)
	same(t, recorded(t, ctx, s), []store.Revocation{kept(aVoid("2", time.Hour))})
	ok(t, s.UseOnce(ctx, store.Use{Issuer: "urn:idp", ID: [32]byte{1}, ExpiresAt: at(time.Hour)}))
	wantReplay(t, s.UseOnce(ctx, store.Use{Issuer: "urn:idp", ID: [32]byte{2}, ExpiresAt: at(time.Hour)}), 0)
}

func sweepSigningKeys(t *testing.T, ctx context.Context, s store.Store) {
	first, last := aKey("1", "ES256", "", 0), aKey("2", "ES256", "1", time.Hour)
	first.RetiredAt, first.RemovedAt = at(time.Hour), at(2*time.Hour)
	last.RemovedAt = at(3 * time.Hour)
	leaked := aKey("leaked", "ES256", "nobody", -time.Hour)
	leaked.RetiredAt, leaked.RemovedAt, leaked.RevokedAt = at(time.Hour), at(time.Hour), at(time.Hour)
	ok(t, add(ctx, s, leaked))
	only := aKey("3", "RS256", "", 0)
	only.RemovedAt = at(time.Hour)
	ok(t, add(ctx, s, first, last, only))
	same(t, must[int](t)(s.Sweep(ctx, at(2*time.Hour+store.KeepRemoved), 100)), 0)
	same(t, must[int](t)(s.Sweep(ctx, at(100*time.Hour), 100)), 1)
	same(t, must[int](t)(s.Sweep(ctx, at(100*time.Hour), 100)), 0)
	wantErr(t, add(ctx, s, aKey("4", "ES256", "1", 200*time.Hour)), store.ErrExists)
	wantErr(t, add(ctx, s, aKey("leaked", "ES256", "2", 200*time.Hour)), store.ErrExists)
	ok(t, add(ctx, s, aKey("4", "ES256", "2", 200*time.Hour), aKey("5", "RS256", "3", 200*time.Hour)))
}

func sweepSecretKeys(t *testing.T, ctx context.Context, s store.Store) {
	for id := range uint32(3) {
		ok(t, s.CreateSecretKey(ctx, store.SecretKey{Purpose: "refresh", ID: id + 1, Sealed: []byte{1}, CreatedAt: at(0), ActiveAt: at(0), RemovedAt: at(time.Hour)}, By()))
	}
	ok(t, s.CreateSecretKey(ctx, store.SecretKey{Purpose: "other", ID: 1, Sealed: []byte{1}, CreatedAt: at(0), ActiveAt: at(0), RemovedAt: at(time.Hour)}, By()))
	ok(t, s.RescheduleSecretKey(ctx, store.SecretKey{Purpose: "refresh", ID: 2, ActiveAt: at(0)}, By()))
	same(t, must[int](t)(s.Sweep(ctx, at(time.Hour), 100)), 0)
	same(t, must[int](t)(s.Sweep(ctx, at(2*time.Hour), 100)), 1)
	left := must[[]store.SecretKey](t)(s.SecretKeys(ctx, "refresh"))
	same(t, []uint32{left[0].ID, left[1].ID}, []uint32{2, 3})
}

func sweepLifetimes(t *testing.T, ctx context.Context, s store.Store) {
	ok(t, s.PromiseLifetimes(ctx, lifetimes("a", time.Hour, time.Minute), at(0)))
	over := time.Minute + 2*(time.Hour+24*time.Hour) // for the key set and the longest token
	same(t, must[int](t)(s.Sweep(ctx, at(over), 100)), 0)
	same(t, must[int](t)(s.Sweep(ctx, at(over+time.Microsecond), 100)), 1)
	same(t, must[store.KeyPlan](t)(s.KeyPlan(ctx, at(0))).Lifetimes, nil)
}

func sweepLimit(t *testing.T, ctx context.Context, s store.Store) {
	withFamily(t, ctx, s)
	for i := range byte(9) {
		ok(t, s.CreateFamily(ctx, aFamily(i+2)))
		ok(t, s.UseOnce(ctx, store.Use{Issuer: "urn:idp", ID: [32]byte{i}, ExpiresAt: at(time.Minute)}))
	}
	for _, want := range []int{8, 8, 3, 0, 0} { // of 10 families and 9 assertions
		same(t, must[int](t)(s.Sweep(ctx, at(100*time.Hour), 4)), want)
	}
}

func sweepRace(t *testing.T, open Open) {
	ctx, one := migrated(t, open)
	handles := []store.Store{one, open()}
	for i := range 50 {
		ok(t, one.Revoke(ctx, aVoid(fmt.Sprint(i), time.Minute)))
	}
	removed := concurrently(10, func(i int) int {
		total := 0
		for range 20 {
			n, err := handles[i%2].Sweep(ctx, at(time.Hour), 3)
			if err != nil {
				t.Error(err)
			}
			total += n
		}
		return total
	})
	total := 0
	for _, n := range removed {
		total += n
	}
	for total < 50 {
		n := must[int](t)(one.Sweep(ctx, at(time.Hour), 3))
		if n == 0 {
			break
		}
		total += n
	}
	same(t, total, 50)
}
