package storetest

import (
	"context"
	"testing"
	"time"

	"authserver/internal/store"
)

func keyRevocationTests() []test {
	return []test{
		{"a revoked key that signed hands over to its successor at once", with(revokeActiveKey)},
		{"one without a successor hands over to the one that is brought", with(revokeLastKey)},
		{"a revoked key that was waiting is passed over", with(revokePendingKey)},
		{"a revoked key that had retired changes nothing else", with(revokeRetiredKey)},
	}
}

// line adds the keys 1, 2, … of which each takes over an hour after the one before.
func line(t *testing.T, ctx context.Context, s store.Store, keys int) {
	t.Helper()
	predecessor := ""
	for i := range keys {
		kid := string(rune('1' + i))
		ok(t, s.SucceedSigningKey(ctx, aKey(kid, "ES256", predecessor, time.Duration(i)*time.Hour), at(time.Duration(i+1)*time.Hour)))
		predecessor = kid
	}
}

func revoke(kid string, after time.Duration) store.KeyRevocation {
	return store.KeyRevocation{KID: kid, At: at(after), From: at(after - time.Second), Reason: "it leaked", Lag: 30 * time.Minute}
}

// kept returns the keys that are there at a moment, by kid.
func kept(t *testing.T, ctx context.Context, s store.Store, after time.Duration) map[string]store.SigningKey {
	t.Helper()
	keys := make(map[string]store.SigningKey)
	for _, k := range must[[]store.SigningKey](t)(s.SigningKeys(ctx, at(after))) {
		keys[k.KID] = k
	}
	return keys
}

func revokeActiveKey(t *testing.T, ctx context.Context, s store.Store) {
	line(t, ctx, s, 2)
	ok(t, s.RevokeSigningKey(ctx, revoke("1", time.Minute)))
	wantErr(t, s.RevokeSigningKey(ctx, revoke("1", time.Minute)), store.ErrNotFound)
	wantErr(t, s.RevokeSigningKey(ctx, revoke("gone", time.Minute)), store.ErrNotFound)
	keys := kept(t, ctx, s, time.Minute)
	same(t, len(keys), 1)
	same(t, keys["2"].ActiveAt, at(time.Minute-time.Second))
	revoked := kept(t, ctx, s, 0)["1"]
	same(t, []store.Moment{revoked.RevokedAt, revoked.RetiredAt, revoked.RemovedAt}, []store.Moment{at(time.Minute), at(time.Minute), at(time.Minute)})
	same(t, revoked.Reason, "it leaked")
}

func revokeLastKey(t *testing.T, ctx context.Context, s store.Store) {
	line(t, ctx, s, 1)
	wantErr(t, s.RevokeSigningKey(ctx, revoke("1", time.Minute)), store.ErrConflict)
	same(t, kept(t, ctx, s, time.Hour)["1"].RevokedAt, store.Moment{})
	r, next := revoke("1", time.Minute), aKey("next", "ES256", "1", time.Minute)
	r.Next = &next
	ok(t, s.RevokeSigningKey(ctx, r))
	same(t, kept(t, ctx, s, time.Minute), map[string]store.SigningKey{"next": next})
}

func revokePendingKey(t *testing.T, ctx context.Context, s store.Store) {
	line(t, ctx, s, 3)
	ok(t, s.RevokeSigningKey(ctx, revoke("2", time.Minute)))
	keys := kept(t, ctx, s, time.Minute)
	same(t, keys["1"].RetiredAt, at(2*time.Hour))
	same(t, keys["1"].RemovedAt, at(2*time.Hour+30*time.Minute))
	same(t, keys["3"].Predecessor, "1")

	// A succession that was planned before does not tie itself to a revoked key.
	ok(t, s.RevokeSigningKey(ctx, revoke("3", time.Minute)))
	wantErr(t, s.SucceedSigningKey(ctx, aKey("late", "ES256", "3", 3*time.Hour), at(9*time.Hour)), store.ErrNotFound)
	wantErr(t, s.RescheduleSigningKey(ctx, "3", at(2*time.Hour), at(time.Hour), at(9*time.Hour)), store.ErrConflict)
	keys = kept(t, ctx, s, time.Minute)
	same(t, []store.Moment{keys["1"].RetiredAt, keys["1"].RemovedAt}, []store.Moment{{}, {}})
	ok(t, s.SucceedSigningKey(ctx, aKey("4", "ES256", "1", time.Hour), at(9*time.Hour))) // its place is free
}

func revokeRetiredKey(t *testing.T, ctx context.Context, s store.Store) {
	line(t, ctx, s, 2)
	before := kept(t, ctx, s, 0)["2"]
	ok(t, s.RevokeSigningKey(ctx, revoke("1", 90*time.Minute)))
	same(t, kept(t, ctx, s, 90*time.Minute), map[string]store.SigningKey{"2": before})
}
