package storetest

import (
	"context"
	"math"
	"testing"
	"time"

	"authserver/internal/store"
)

func sealedKeyTests() []test {
	return []test{
		{"secret keys are kept per purpose, lowest ID first", with(secretKeys)},
		{"data keys are kept, lowest ID first", with(dataKeys)},
	}
}

func secretKeys(t *testing.T, ctx context.Context, s store.Store) {
	same(t, must[[]store.SecretKey](t)(s.SecretKeys(ctx, "refresh")), nil)
	first := store.SecretKey{Purpose: "refresh", ID: 1, Sealed: []byte{0, 255}, CreatedAt: at(0)}
	last := store.SecretKey{Purpose: "refresh", ID: math.MaxUint32, Sealed: []byte{1}, CreatedAt: at(time.Hour)}
	other := store.SecretKey{Purpose: "other", ID: 1, Sealed: []byte{2}, CreatedAt: at(0)}
	for _, k := range []store.SecretKey{last, first, other} {
		ok(t, s.CreateSecretKey(ctx, k))
		wantErr(t, s.CreateSecretKey(ctx, k), store.ErrExists)
	}
	same(t, must[[]store.SecretKey](t)(s.SecretKeys(ctx, "refresh")), []store.SecretKey{first, last})
}

func dataKeys(t *testing.T, ctx context.Context, s store.Store) {
	same(t, must[[]store.DataKey](t)(s.DataKeys(ctx)), nil)
	first := store.DataKey{ID: 1, MasterID: "m1", Sealed: []byte{0, 255}, CreatedAt: at(0)}
	second := store.DataKey{ID: 2, MasterID: "m2", Sealed: []byte{1}, CreatedAt: at(time.Hour)}
	for _, k := range []store.DataKey{second, first} {
		ok(t, s.CreateDataKey(ctx, k))
		wantErr(t, s.CreateDataKey(ctx, k), store.ErrExists)
	}
	same(t, must[[]store.DataKey](t)(s.DataKeys(ctx)), []store.DataKey{first, second})
}
