package storetest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"testing"
	"time"

	"authserver/internal/store"
)

func signingKeyTests() []test {
	return []test{
		{"a key comes back as it was, oldest first, until it is removed", with(signingKeysRead)},
		{"a change updates keys and adds keys", with(signingKeyChange)},
		{"a change that was planned by an older version changes nothing", with(signingKeyConflict)},
		{"a key cannot be added twice, take another's place or be updated where it is not", with(signingKeyRefusals)},
		{"a key that was revoked before it was to sign gives its place free", with(signingKeyPassedOver)},
		{"the use of a key is recorded where it is later, and changes no plan", with(signingKeyUse)},
		{"of replicas that change the keys at once one succeeds", signingKeyRace},
	}
}

func aKey(kid, alg, predecessor string, active time.Duration) store.SigningKey {
	return store.SigningKey{
		KID: kid, Alg: alg, PublicJWK: json.RawMessage(`{"kty":"EC", "kid":"` + kid + `"}`), Sealed: []byte{0, 255, 1},
		Predecessor: predecessor, PublishedAt: at(active - time.Minute), ActiveAt: at(active),
	}
}

// add adds keys to the present plan.
func add(ctx context.Context, s store.Store, keys ...store.SigningKey) error {
	return change(ctx, s, nil, keys)
}

func change(ctx context.Context, s store.Store, update, add []store.SigningKey) error {
	plan, err := s.KeyPlan(ctx, at(0))
	if err != nil {
		return err
	}
	return s.ChangeKeyPlan(ctx, store.KeyPlanChange{Version: plan.Version, Update: update, Add: add}, By())
}

// signingKeys returns the keys that are not past RemovedAt.
func signingKeys(t *testing.T, ctx context.Context, s store.Store, after time.Duration) []store.SigningKey {
	t.Helper()
	return must[store.KeyPlan](t)(s.KeyPlan(ctx, at(after))).Keys
}

func signingKeysRead(t *testing.T, ctx context.Context, s store.Store) {
	same(t, signingKeys(t, ctx, s, 0), nil)
	full := aKey("full", "RS256", "", time.Hour)
	full.RetiredAt, full.RemovedAt, full.LastUsedAt = at(2*time.Hour), at(3*time.Hour), at(4*time.Hour)
	full.RevokedAt, full.Reason = at(5*time.Hour), "it leaked"
	full.Certificates = [][]byte{{0x30, 0, 255}, {0x30, 1}}
	bare := aKey("-bare", "ES256", "", 0)
	ok(t, add(ctx, s, full, bare))
	same(t, signingKeys(t, ctx, s, 3*time.Hour-time.Microsecond), []store.SigningKey{bare, full})
	same(t, signingKeys(t, ctx, s, 3*time.Hour), []store.SigningKey{bare})
}

func signingKeyChange(t *testing.T, ctx context.Context, s store.Store) {
	first, next := aKey("1", "ES256", "", 0), aKey("2", "ES256", "1", time.Hour)
	ok(t, add(ctx, s, first))
	first.RetiredAt, first.RemovedAt, first.Reason = at(time.Hour), at(2*time.Hour), "why not"
	first.Certificates = [][]byte{{1}}
	changed := first
	changed.Sealed, changed.Alg, changed.PublicJWK, changed.LastUsedAt = []byte("other"), "RS256", json.RawMessage(`{}`), at(time.Hour)
	ok(t, change(ctx, s, []store.SigningKey{changed}, []store.SigningKey{next}))
	same(t, signingKeys(t, ctx, s, 0), []store.SigningKey{first, next})

	// The place of a key that is skipped is free in the same change.
	inserted := aKey("between", "ES256", "1", time.Minute)
	next.Predecessor = "between"
	first.Certificates, first.RevokedAt = nil, at(time.Minute)
	ok(t, change(ctx, s, []store.SigningKey{next, first}, []store.SigningKey{inserted}))
	same(t, signingKeys(t, ctx, s, 0), []store.SigningKey{first, inserted, next})
}

func signingKeyConflict(t *testing.T, ctx context.Context, s store.Store) {
	before := must[store.KeyPlan](t)(s.KeyPlan(ctx, at(0)))
	ok(t, s.ChangeKeyPlan(ctx, store.KeyPlanChange{Version: before.Version, Add: []store.SigningKey{aKey("1", "ES256", "", 0)}}, By()))
	wantErr(t, s.ChangeKeyPlan(ctx, store.KeyPlanChange{Version: before.Version, Add: []store.SigningKey{aKey("2", "RS256", "", 0)}}, By()), store.ErrConflict)
	after := must[store.KeyPlan](t)(s.KeyPlan(ctx, at(0)))
	same(t, after.Keys, []store.SigningKey{aKey("1", "ES256", "", 0)})
	if after.Version == before.Version {
		t.Error("a change leaves the version as it was")
	}
}

func signingKeyRefusals(t *testing.T, ctx context.Context, s store.Store) {
	ok(t, add(ctx, s, aKey("1", "ES256", "", 0)))
	ok(t, add(ctx, s, aKey("2", "ES256", "1", time.Hour)))
	want := must[store.KeyPlan](t)(s.KeyPlan(ctx, at(0)))
	for _, keys := range [][]store.SigningKey{
		{aKey("x", "ES256", "", 0)},
		{aKey("fine", "RS256", "", 0), aKey("x", "ES256", "1", 2*time.Hour)},
		{aKey("2", "ES256", "9", 2*time.Hour)},
	} {
		wantErr(t, add(ctx, s, keys...), store.ErrExists)
	}
	gone := aKey("gone", "ES256", "2", 2*time.Hour)
	wantErr(t, change(ctx, s, []store.SigningKey{aKey("1", "ES256", "", time.Hour), gone}, nil), store.ErrNotFound)
	same(t, must[store.KeyPlan](t)(s.KeyPlan(ctx, at(0))), want)
}

// A key that was revoked before it signed frees its place; one that has signed does not.
func signingKeyPassedOver(t *testing.T, ctx context.Context, s store.Store) {
	first, waiting := aKey("1", "ES256", "", 0), aKey("2", "ES256", "1", time.Hour)
	ok(t, add(ctx, s, first, waiting))
	waiting.RevokedAt = at(time.Hour - time.Microsecond)
	ok(t, change(ctx, s, []store.SigningKey{waiting}, []store.SigningKey{aKey("3", "ES256", "1", 2*time.Hour)}))
	wantErr(t, add(ctx, s, aKey("4", "ES256", "1", 3*time.Hour)), store.ErrExists)
	first.RevokedAt = at(time.Hour)
	ok(t, change(ctx, s, []store.SigningKey{first}, nil))
	wantErr(t, add(ctx, s, aKey("5", "ES256", "", 3*time.Hour)), store.ErrExists)
}

func signingKeyUse(t *testing.T, ctx context.Context, s store.Store) {
	ok(t, add(ctx, s, aKey("1", "ES256", "", 0), aKey("2", "RS256", "", time.Hour)))
	before := must[store.KeyPlan](t)(s.KeyPlan(ctx, at(0))).Version
	ok(t, s.RecordKeyUse(ctx, nil))
	ok(t, s.RecordKeyUse(ctx, map[string]store.Moment{"1": at(time.Hour), "2": at(time.Minute), "gone": at(0)}))
	ok(t, s.RecordKeyUse(ctx, map[string]store.Moment{"1": at(time.Minute), "2": at(time.Hour)}))
	for _, k := range signingKeys(t, ctx, s, 0) {
		same(t, k.LastUsedAt, at(time.Hour))
	}
	same(t, must[store.KeyPlan](t)(s.KeyPlan(ctx, at(0))).Version, before)
}

func signingKeyRace(t *testing.T, open Open) {
	ctx, one := migrated(t, open)
	replicas := []store.Store{one, open(), open()}
	for step := range 3 {
		plan := must[store.KeyPlan](t)(one.KeyPlan(ctx, at(0)))
		errs := concurrently(30, func(i int) error {
			key := aKey(fmt.Sprintf("%d-%d", step, i), "ES256", fmt.Sprintf("%d-%d", step-1, i), time.Duration(step)*time.Hour)
			return replicas[i%3].ChangeKeyPlan(ctx, store.KeyPlanChange{Version: plan.Version, Add: []store.SigningKey{key}}, By())
		})
		for _, err := range errs {
			if err != nil && !errors.Is(err, store.ErrConflict) {
				t.Error(err)
			}
		}
		same(t, len(signingKeys(t, ctx, one, 0)), step+1)
	}
}
