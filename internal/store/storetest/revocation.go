package storetest

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"time"

	"authserver/internal/store"
)

func revocationTests() []test {
	return []test{
		{"revocations are read on from a cursor", with(revocationCursor)},
		{"one that has expired is not read", with(revocationExpired)},
		{"one that grows replaces what was there and is read again", with(revocationGrows)},
		{"one that does not grow changes nothing", with(revocationShrinks)},
		{"a page of any size reads each", with(revocationPages)},
		{"a reader misses none of those that many write at once", revocationRace},
	}
}

func aVoid(value string, until time.Duration) store.Void {
	return store.Void{Kind: store.RevokedToken, Value: value, Before: at(0), Until: at(until), Reason: "revoked"}
}

func revocationCursor(t *testing.T, ctx context.Context, s store.Store) {
	list, cursor := readOn(t, ctx, s, "", 10)
	same(t, len(list), 0)
	first := aVoid("1", time.Hour)
	ok(t, s.Revoke(ctx, first))
	list, cursor = readOn(t, ctx, s, cursor, 10)
	same(t, list, []store.Revocation{kept(first)})
	for _, kind := range []store.RevocationKind{store.RevokedFamily, store.RevokedUser, store.RevokedClient} {
		r := aVoid("1", 2*time.Hour)
		r.Kind = kind
		ok(t, s.Revoke(ctx, r))
		list, cursor = readOn(t, ctx, s, cursor, 10)
		same(t, list, []store.Revocation{kept(r)})
	}
	same(t, len(recorded(t, ctx, s)), 4)
	r := aVoid("1", time.Hour)
	r.Kind = "shoe"
	if err := s.Revoke(ctx, r); err == nil {
		t.Error("a revocation of an unknown kind was taken")
	}
}

func revocationExpired(t *testing.T, ctx context.Context, s store.Store) {
	ok(t, s.Revoke(ctx, aVoid("over", 0)))
	ok(t, s.Revoke(ctx, aVoid("good", time.Microsecond)))
	same(t, recorded(t, ctx, s), []store.Revocation{kept(aVoid("good", time.Microsecond))})
}

func revocationGrows(t *testing.T, ctx context.Context, s store.Store) {
	ok(t, s.Revoke(ctx, aVoid("1", time.Hour)))
	_, cursor := readOn(t, ctx, s, "", 10)

	longer := aVoid("1", 2*time.Hour)
	longer.Before, longer.Reason = at(-time.Minute), "longer"
	ok(t, s.Revoke(ctx, longer))
	longer.Before = at(0) // neither moment shrinks
	list, cursor := readOn(t, ctx, s, cursor, 10)
	same(t, list, []store.Revocation{kept(longer)})

	later := aVoid("1", time.Hour)
	later.Before, later.Reason = at(time.Minute), "later"
	ok(t, s.Revoke(ctx, later))
	later.Until = at(2 * time.Hour)
	list, _ = readOn(t, ctx, s, cursor, 10)
	same(t, list, []store.Revocation{kept(later)})
	same(t, recorded(t, ctx, s), []store.Revocation{kept(later)})
}

func revocationShrinks(t *testing.T, ctx context.Context, s store.Store) {
	ok(t, s.Revoke(ctx, aVoid("1", time.Hour)))
	_, cursor := readOn(t, ctx, s, "", 10)
	ok(t, s.Revoke(ctx, aVoid("1", time.Hour)))
	ok(t, s.Revoke(ctx, aVoid("1", time.Minute)))
	list, _ := readOn(t, ctx, s, cursor, 10)
	same(t, len(list), 0)
	same(t, recorded(t, ctx, s), []store.Revocation{kept(aVoid("1", time.Hour))})
}

func revocationPages(t *testing.T, ctx context.Context, s store.Store) {
	var want []string
	for i := range 12 {
		value := fmt.Sprintf("%02d", i)
		want = append(want, value)
		ok(t, s.Revoke(ctx, aVoid(value, time.Hour)))
	}
	for _, limit := range []int{1, 2, 3, 5, 11, 12, 13} {
		list, _ := readOn(t, ctx, s, "", limit)
		same(t, values(list), want)
	}
}

func values(list []store.Revocation) []string {
	found := make([]string, len(list))
	for i, r := range list {
		found[i] = r.Value
	}
	slices.Sort(found)
	return found
}

func revocationRace(t *testing.T, open Open) {
	ctx, writer := migrated(t, open)
	reader := open()
	const writers, each = 20, 10
	done := make(chan []error)
	go func() {
		done <- concurrently(writers, func(i int) error {
			for j := range each {
				if err := writer.Revoke(ctx, aVoid(fmt.Sprintf("%d-%d", i, j), time.Hour)); err != nil {
					return err
				}
			}
			return nil
		})
	}()
	seen := map[string]bool{}
	cursor := store.Cursor("")
	var list []store.Revocation
	for writing := true; writing; {
		select {
		case errs := <-done:
			for _, err := range errs {
				if err != nil {
					t.Error(err)
				}
			}
			writing = false
		default:
		}
		list, cursor = readOn(t, ctx, reader, cursor, 7)
		for _, r := range list {
			seen[r.Value] = true
		}
	}
	same(t, len(seen), writers*each)
}
