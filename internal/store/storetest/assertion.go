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
	used := func(issuer string, want bool) {
		t.Helper()
		got, err := s.AssertionUsed(ctx, issuer, id)
		ok(t, err)
		same(t, got, want)
	}
	used("https://idp.example.com", false)
	used("https://idp.example.com", false) // to ask uses nothing up
	ok(t, s.UseAssertion(ctx, "https://idp.example.com", id, at(time.Minute)))
	wantErr(t, s.UseAssertion(ctx, "https://idp.example.com", id, at(time.Hour)), store.ErrExists)
	used("https://idp.example.com", true)
	used("https://other.example.com", false)
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
