package storetest

import (
	"context"
	"math"
	"slices"
	"testing"
	"time"

	"authserver/internal/store"
)

func sealedKeyTests() []test {
	return []test{
		{"secret keys are kept per purpose, lowest ID first", with(secretKeys)},
		{"a secret key is rescheduled", with(secretKeyReschedule)},
		{"a data key is kept once for each master key, lowest ID first", with(dataKeys)},
		{"everything sealed is found and replaced where it is unchanged", with(sealedValues)},
		{"a client's sealed secret is replaced among its others", with(sealedClient)},
		{"an issuer whose secret was resealed is not overwritten by an older reading", with(sealedIssuer)},
	}
}

func secretKeys(t *testing.T, ctx context.Context, s store.Store) {
	same(t, must[[]store.SecretKey](t)(s.SecretKeys(ctx, "refresh")), nil)
	first := store.SecretKey{Purpose: "refresh", ID: 1, Sealed: []byte{0, 255}, CreatedAt: at(0), ActiveAt: at(0)}
	last := store.SecretKey{Purpose: "refresh", ID: math.MaxUint32, Sealed: []byte{1}, CreatedAt: at(time.Hour), ActiveAt: at(2 * time.Hour), RemovedAt: at(3 * time.Hour)}
	other := store.SecretKey{Purpose: "other", ID: 1, Sealed: []byte{2}, CreatedAt: at(0), ActiveAt: at(0)}
	for _, k := range []store.SecretKey{last, first, other} {
		ok(t, s.CreateSecretKey(ctx, k, By()))
		wantErr(t, s.CreateSecretKey(ctx, k, By()), store.ErrExists)
	}
	same(t, must[[]store.SecretKey](t)(s.SecretKeys(ctx, "refresh")), []store.SecretKey{first, last})
}

func secretKeyReschedule(t *testing.T, ctx context.Context, s store.Store) {
	k := store.SecretKey{Purpose: "refresh", ID: 1, Sealed: []byte{0, 255}, CreatedAt: at(0), ActiveAt: at(0)}
	wantErr(t, s.RescheduleSecretKey(ctx, k, By()), store.ErrNotFound)
	ok(t, s.CreateSecretKey(ctx, k, By()))
	changed := k
	changed.ActiveAt, changed.RemovedAt, changed.Sealed = at(time.Minute), at(time.Hour), nil
	ok(t, s.RescheduleSecretKey(ctx, changed, By()))
	k.ActiveAt, k.RemovedAt = at(time.Minute), at(time.Hour)
	same(t, must[[]store.SecretKey](t)(s.SecretKeys(ctx, "refresh")), []store.SecretKey{k})
}

func dataKeys(t *testing.T, ctx context.Context, s store.Store) {
	same(t, must[[]store.DataKey](t)(s.DataKeys(ctx)), nil)
	first := store.DataKey{ID: 1, MasterID: "m1", Sealed: []byte{0, 255}, CreatedAt: at(0)}
	again := store.DataKey{ID: 1, MasterID: "m2", Sealed: []byte{2}, CreatedAt: at(0)}
	second := store.DataKey{ID: 2, MasterID: "m2", Sealed: []byte{1}, CreatedAt: at(time.Hour)}
	ok(t, s.CreateDataKeys(ctx, []store.DataKey{second, first}, By()))
	wantErr(t, s.CreateDataKeys(ctx, []store.DataKey{again, first}, By()), store.ErrExists)
	same(t, must[[]store.DataKey](t)(s.DataKeys(ctx)), []store.DataKey{first, second})
	ok(t, s.CreateDataKeys(ctx, []store.DataKey{again}, By()))
	same(t, must[[]store.DataKey](t)(s.DataKeys(ctx)), []store.DataKey{first, again, second})
	ok(t, s.DeleteDataKeys(ctx, []store.DataKey{first, {ID: 7, MasterID: "m1"}}, By()))
	same(t, must[[]store.DataKey](t)(s.DataKeys(ctx)), []store.DataKey{again, second})
}

func sealedValues(t *testing.T, ctx context.Context, s store.Store) {
	same(t, must[[]store.SealedValue](t)(s.SealedValues(ctx)), nil)
	ok(t, add(ctx, s, aKey("kid", "ES256", "", 0)))
	ok(t, s.CreateSecretKey(ctx, store.SecretKey{Purpose: "refresh", ID: 12, Sealed: []byte("secret"), CreatedAt: at(0), ActiveAt: at(0)}, By()))
	issuer := anIssuer("urn:i")
	issuer.JWKS, issuer.Certificates, issuer.SealedSecret = nil, nil, []byte("shared")
	ok(t, s.CreateIssuer(ctx, issuer, By()))
	ok(t, s.CreateIssuer(ctx, anIssuer("urn:j"), By()))
	client := aClient("web")
	client.Secrets = []store.ClientSecret{{ID: "s1", Kind: store.SecretSealed, Hash: []byte{0, 255, 7}, CreatedAt: at(0)}}
	ok(t, s.CreateClient(ctx, client, By()))
	want := []store.SealedValue{
		{Table: "clients", ID: "web/s1", Sealed: []byte{0, 255, 7}},
		{Table: "issuers", ID: "urn:i", Sealed: []byte("shared")},
		{Table: "secret_keys", ID: "refresh/12", Sealed: []byte("secret")},
		{Table: "signing_keys", ID: "kid", Sealed: []byte{0, 255, 1}},
	}
	same(t, must[[]store.SealedValue](t)(s.SealedValues(ctx)), want)
	for i, v := range want {
		ok(t, s.ReplaceSealed(ctx, v, []byte("new"), By()))
		wantErr(t, s.ReplaceSealed(ctx, v, []byte("newer"), By()), store.ErrConflict)
		wantErr(t, s.ReplaceSealed(ctx, store.SealedValue{Table: v.Table, ID: "gone/1", Sealed: v.Sealed}, []byte("new"), By()), store.ErrNotFound)
		want[i].Sealed = []byte("new")
	}
	same(t, must[[]store.SealedValue](t)(s.SealedValues(ctx)), want)
	if err := s.ReplaceSealed(ctx, store.SealedValue{Table: "users", ID: "web"}, nil, By()); err == nil {
		t.Error("something sealed was replaced in a table that has nothing sealed")
	}
}

func sealedClient(t *testing.T, ctx context.Context, s store.Store) {
	text := []byte("sealed, and so long that its base64 goes over more than one line of seventy-six characters")
	c := aClient("a/b/")
	c.Secrets = []store.ClientSecret{
		{ID: "one", Kind: store.SecretSHA256, Hash: text, CreatedAt: at(0), ExpiresAt: at(time.Hour)},
		{ID: "two", Kind: store.SecretSealed, Hash: text, CreatedAt: at(0), ExpiresAt: at(time.Hour)},
		{ID: "b", Kind: store.SecretSealed, Hash: text, CreatedAt: at(time.Second)},
	}
	neighbour := c
	neighbour.ID = "a"
	ok(t, s.CreateClient(ctx, c, By()))
	ok(t, s.CreateClient(ctx, neighbour, By()))
	same(t, must[[]store.SealedValue](t)(s.SealedValues(ctx)), []store.SealedValue{
		{Table: "clients", ID: "a/b", Sealed: text}, {Table: "clients", ID: "a/b//b", Sealed: text},
		{Table: "clients", ID: "a/b//two", Sealed: text}, {Table: "clients", ID: "a/two", Sealed: text},
	})

	old := must[store.Client](t)(s.Client(ctx, c.ID))
	resealed := append([]byte{0, 255}, text...)
	ok(t, s.ReplaceSealed(ctx, store.SealedValue{Table: "clients", ID: "a/b//b", Sealed: text}, resealed, By()))
	c.Secrets = slices.Clone(c.Secrets)
	c.Secrets[2].Hash, c.Version = resealed, 2
	same(t, must[store.Client](t)(s.Client(ctx, c.ID)), c)
	same(t, must[store.Client](t)(s.Client(ctx, "a")), neighbour)
	wantErr(t, s.UpdateClient(ctx, old, By()), store.ErrConflict)

	for id, want := range map[string]error{
		"a/b//b":   store.ErrConflict, // it was sealed again meanwhile
		"a/b//one": store.ErrNotFound, // it is not sealed
		"a/b//x":   store.ErrNotFound,
		"a/b/b":    store.ErrNotFound,
		"a/b//":    store.ErrNotFound,
		"b":        store.ErrNotFound,
		"":         store.ErrNotFound,
	} {
		wantErr(t, s.ReplaceSealed(ctx, store.SealedValue{Table: "clients", ID: id, Sealed: text}, []byte("new"), By()), want)
	}
	same(t, must[store.Client](t)(s.Client(ctx, c.ID)), c)
}

func sealedIssuer(t *testing.T, ctx context.Context, s store.Store) {
	issuer := anIssuer("urn:i")
	issuer.JWKS, issuer.Certificates, issuer.SealedSecret = nil, nil, []byte("shared")
	ok(t, s.CreateIssuer(ctx, issuer, By()))
	read := must[store.Issuer](t)(s.Issuer(ctx, "urn:i"))
	ok(t, s.ReplaceSealed(ctx, store.SealedValue{Table: "issuers", ID: "urn:i", Sealed: []byte("shared")}, []byte("resealed"), By()))
	wantErr(t, s.UpdateIssuer(ctx, read, By()), store.ErrConflict)
	same(t, must[store.Issuer](t)(s.Issuer(ctx, "urn:i")).SealedSecret, []byte("resealed"))
}
