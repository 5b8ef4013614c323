package storetest

import (
	"context"
	"errors"
	"testing"
	"time"

	"authserver/internal/store"
)

func assertionTests() []test {
	return []test{
		{"an assertion is good once per issuer", with(assertionOnce)},
		{"of a hundred uses at once exactly one succeeds", assertionRace},
	}
}

func assertionOnce(t *testing.T, ctx context.Context, s store.Store) {
	id := [32]byte{31: 1}
	ok(t, s.UseAssertion(ctx, "https://idp.example.com", id, at(time.Minute)))
	wantErr(t, s.UseAssertion(ctx, "https://idp.example.com", id, at(time.Hour)), store.ErrExists)
	ok(t, s.UseAssertion(ctx, "https://other.example.com", id, at(time.Minute)))
	ok(t, s.UseAssertion(ctx, "https://idp.example.com", [32]byte{}, at(time.Minute)))
}

func assertionRace(t *testing.T, open Open) {
	ctx, one := migrated(t, open)
	handles := []store.Store{one, open()}
	errs := together(100, func(i int) error {
		return handles[i%2].UseAssertion(ctx, "https://idp.example.com", [32]byte{1}, at(time.Minute))
	})
	used := 0
	for _, err := range errs {
		switch {
		case err == nil:
			used++
		case !errors.Is(err, store.ErrExists):
			t.Error(err)
		}
	}
	same(t, used, 1)
}
