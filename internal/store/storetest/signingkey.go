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
		{"a successor retires its predecessor", with(signingKeySuccession)},
		{"a second first key, a second successor and an orphan are refused", with(signingKeyRefusals)},
		{"a succession is moved with its predecessor", with(signingKeyReschedule)},
		{"the use of a key is recorded where it is later", with(signingKeyUse)},
		{"replicas that plan the same succession make one key", signingKeyRace},
	}
}

func aKey(kid, alg, predecessor string, active time.Duration) store.SigningKey {
	return store.SigningKey{
		KID: kid, Alg: alg, PublicJWK: json.RawMessage(`{"kty":"EC", "kid":"` + kid + `"}`), Sealed: []byte{0, 255, 1},
		Predecessor: predecessor, PublishedAt: at(active - time.Minute), ActiveAt: at(active),
	}
}

func signingKeysRead(t *testing.T, ctx context.Context, s store.Store) {
	same(t, must[[]store.SigningKey](t)(s.SigningKeys(ctx, at(0))), nil)
	full := aKey("full", "RS256", "", time.Hour)
	full.RetiredAt, full.RemovedAt, full.LastUsedAt = at(2*time.Hour), at(3*time.Hour), at(4*time.Hour)
	full.RevokedAt, full.Reason = at(5*time.Hour), "it leaked"
	bare := aKey("-bare", "ES256", "", 0)
	ok(t, s.SucceedSigningKey(ctx, full, store.Moment{}))
	ok(t, s.SucceedSigningKey(ctx, bare, store.Moment{}))
	same(t, must[[]store.SigningKey](t)(s.SigningKeys(ctx, at(3*time.Hour-time.Microsecond))), []store.SigningKey{bare, full})
	same(t, must[[]store.SigningKey](t)(s.SigningKeys(ctx, at(3*time.Hour))), []store.SigningKey{bare})
}

func signingKeySuccession(t *testing.T, ctx context.Context, s store.Store) {
	first, next := aKey("1", "ES256", "", 0), aKey("2", "ES256", "1", time.Hour)
	ok(t, s.SucceedSigningKey(ctx, first, store.Moment{}))
	ok(t, s.SucceedSigningKey(ctx, next, at(2*time.Hour)))
	first.RetiredAt, first.RemovedAt = at(time.Hour), at(2*time.Hour)
	same(t, must[[]store.SigningKey](t)(s.SigningKeys(ctx, at(0))), []store.SigningKey{first, next})
}

func signingKeyRefusals(t *testing.T, ctx context.Context, s store.Store) {
	ok(t, s.SucceedSigningKey(ctx, aKey("1", "ES256", "", 0), store.Moment{}))
	ok(t, s.SucceedSigningKey(ctx, aKey("2", "ES256", "1", time.Hour), at(2*time.Hour)))
	want := must[[]store.SigningKey](t)(s.SigningKeys(ctx, at(0)))

	wantErr(t, s.SucceedSigningKey(ctx, aKey("x", "ES256", "", 0), store.Moment{}), store.ErrExists)
	wantErr(t, s.SucceedSigningKey(ctx, aKey("x", "ES256", "1", 2*time.Hour), at(9*time.Hour)), store.ErrExists)
	wantErr(t, s.SucceedSigningKey(ctx, aKey("1", "ES256", "2", 2*time.Hour), at(9*time.Hour)), store.ErrExists)
	wantErr(t, s.SucceedSigningKey(ctx, aKey("x", "ES256", "gone", 2*time.Hour), at(9*time.Hour)), store.ErrNotFound)
	wantErr(t, s.SucceedSigningKey(ctx, aKey("x", "RS256", "2", 2*time.Hour), at(9*time.Hour)), store.ErrNotFound)
	same(t, must[[]store.SigningKey](t)(s.SigningKeys(ctx, at(0))), want)
}

func signingKeyReschedule(t *testing.T, ctx context.Context, s store.Store) {
	first, next := aKey("1", "ES256", "", 0), aKey("2", "ES256", "1", time.Hour)
	ok(t, s.SucceedSigningKey(ctx, first, store.Moment{}))
	ok(t, s.SucceedSigningKey(ctx, next, at(2*time.Hour)))
	ok(t, s.RescheduleSigningKey(ctx, "2", at(time.Hour), at(time.Minute), at(3*time.Hour)))
	wantErr(t, s.RescheduleSigningKey(ctx, "2", at(time.Hour), at(0), at(0)), store.ErrConflict)
	wantErr(t, s.RescheduleSigningKey(ctx, "gone", at(time.Hour), at(0), at(0)), store.ErrNotFound)
	next.ActiveAt = at(time.Minute)
	first.RetiredAt, first.RemovedAt = at(time.Minute), at(3*time.Hour)
	same(t, must[[]store.SigningKey](t)(s.SigningKeys(ctx, at(0))), []store.SigningKey{first, next})
}

func signingKeyUse(t *testing.T, ctx context.Context, s store.Store) {
	ok(t, s.SucceedSigningKey(ctx, aKey("1", "ES256", "", 0), store.Moment{}))
	ok(t, s.SucceedSigningKey(ctx, aKey("2", "RS256", "", time.Hour), store.Moment{}))
	ok(t, s.RecordKeyUse(ctx, nil))
	ok(t, s.RecordKeyUse(ctx, map[string]store.Moment{"1": at(time.Hour), "2": at(time.Minute), "gone": at(0)}))
	ok(t, s.RecordKeyUse(ctx, map[string]store.Moment{"1": at(time.Minute), "2": at(time.Hour)}))
	for _, k := range must[[]store.SigningKey](t)(s.SigningKeys(ctx, at(0))) {
		same(t, k.LastUsedAt, at(time.Hour))
	}
}

func signingKeyRace(t *testing.T, open Open) {
	ctx, one := migrated(t, open)
	replicas := []store.Store{one, open(), open()}
	predecessor := ""
	for step := range 3 {
		errs := together(30, func(i int) error {
			key := aKey(fmt.Sprintf("%d-%d", step, i), "ES256", predecessor, time.Duration(step)*time.Hour)
			return replicas[i%3].SucceedSigningKey(ctx, key, at(100*time.Hour))
		})
		for _, err := range errs {
			if err != nil && !errors.Is(err, store.ErrExists) {
				t.Error(err)
			}
		}
		keys := must[[]store.SigningKey](t)(one.SigningKeys(ctx, at(0)))
		same(t, len(keys), step+1)
		predecessor = keys[step].KID
	}
}
