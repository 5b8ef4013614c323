package storetest

import (
	"context"
	"testing"
	"time"

	"authserver/internal/store"
)

func familyTests() []test {
	return []test{
		{"a family comes back as it was created", with(familyRoundTrip)},
		{"a family of no user and a second of the same ID are refused", with(familyRefusals)},
		{"a family is not idle past its end", with(familyIdleCut)},
		{"a revocation ends a family once and voids its access tokens", with(familyRevoke)},
		{"a revocation of no family is recorded all the same", with(familyRevokeNone)},
		{"the families of a user or a client are listed a page at a time", with(familyList)},
		{"the last family that lives is known, a page at a time", with(familyLast)},
		{"a family counts as it was before a rotation that may be undone", with(familyLastPutBack)},
	}
}

func familyRoundTrip(t *testing.T, ctx context.Context, s store.Store) {
	want := withFamily(t, ctx, s)
	same(t, must[store.Family](t)(s.Family(ctx, want.ID)), want)

	full := aFamily(2)
	full.ID = store.FamilyID{0, 1, 2, 253, 254, 255}
	full.Scope, full.Resources, full.Generation = nil, nil, 4294967295
	full.RotatedAt, full.RevokedAt, full.RevokedReason = at(time.Second), at(time.Minute), "revoked"
	full.BoundTo = "x5t#S256:bwcK0esc3ACC3DB2Y5_lESsXE8o9ltc05O89jdN-dg2"
	ok(t, s.CreateFamily(ctx, full))
	same(t, must[store.Family](t)(s.Family(ctx, full.ID)), full)

	_, err := s.Family(ctx, store.FamilyID{})
	wantErr(t, err, store.ErrNotFound)
}

func familyRefusals(t *testing.T, ctx context.Context, s store.Store) {
	f := withFamily(t, ctx, s)
	wantErr(t, s.CreateFamily(ctx, f), store.ErrExists)
	orphan := aFamily(2)
	orphan.UserID = "nobody"
	wantErr(t, s.CreateFamily(ctx, orphan), store.ErrNotFound)
}

func familyIdleCut(t *testing.T, ctx context.Context, s store.Store) {
	withFamily(t, ctx, s)
	f := aFamily(2)
	f.IdleExpiresAt = at(48 * time.Hour)
	ok(t, s.CreateFamily(ctx, f))
	same(t, must[store.Family](t)(s.Family(ctx, f.ID)).IdleExpiresAt, f.ExpiresAt)
}

func voidsFamily(id store.FamilyID, after time.Duration, reason string) store.Void {
	return store.Void{
		Kind: store.RevokedFamily, Value: id.String(), Before: at(after), IssuedUntil: at(after + 15*time.Minute), Reason: reason,
	}
}

func familyRevoke(t *testing.T, ctx context.Context, s store.Store) {
	f := withFamily(t, ctx, s)
	voids := voidsFamily(f.ID, time.Minute, "revoked")
	ok(t, s.RevokeFamily(ctx, f.ID, Voiding(voids)))
	f.RevokedAt, f.RevokedReason = at(time.Minute), "revoked"
	same(t, must[store.Family](t)(s.Family(ctx, f.ID)), f)
	same(t, recorded(t, ctx, s), []store.Revocation{kept(voids)})

	again := voidsFamily(f.ID, time.Hour, "revoked again")
	ok(t, s.RevokeFamily(ctx, f.ID, Voiding(again)))
	same(t, must[store.Family](t)(s.Family(ctx, f.ID)), f)
	same(t, recorded(t, ctx, s), []store.Revocation{kept(again)})
}

func familyRevokeNone(t *testing.T, ctx context.Context, s store.Store) {
	voids := voidsFamily(store.FamilyID{1}, 0, "revoked")
	ok(t, s.RevokeFamily(ctx, store.FamilyID{1}, Voiding(voids)))
	same(t, recorded(t, ctx, s), []store.Revocation{kept(voids)})
}

// familyLast goes through the families a page at a time.
func familyLast(t *testing.T, ctx context.Context, s store.Store) {
	look := func(limit int) (last store.Moment, pages int) {
		t.Helper()
		for cursor := store.Cursor(""); ; {
			some, next, err := s.LastIdleExpiry(ctx, cursor, limit)
			ok(t, err)
			if pages++; some.After(last) {
				last = some
			}
			if cursor = next; cursor == "" {
				return last, pages
			}
		}
	}
	holds := func(want store.Moment, families int) {
		t.Helper()
		for _, limit := range []int{1, 2, 3, store.MaxPage} {
			last, pages := look(limit)
			same(t, last, want)
			same(t, pages, families/limit+1) // a full page may not be the last
		}
	}
	holds(store.Moment{}, 0)
	f := withFamily(t, ctx, s)
	holds(f.IdleExpiresAt, 1)
	zero, last, later, revoked := aFamily(0), aFamily(4), aFamily(2), aFamily(3)
	last.ID = store.FamilyID{255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255}
	later.IdleExpiresAt, revoked.IdleExpiresAt, revoked.RevokedAt = at(2*time.Hour), at(3*time.Hour), at(time.Minute)
	for _, each := range []store.Family{zero, last, later, revoked} {
		ok(t, s.CreateFamily(ctx, each))
	}
	holds(at(2*time.Hour), 5)
	zero.ID[15], zero.IdleExpiresAt = 5, at(4*time.Hour)
	ok(t, s.CreateFamily(ctx, zero))
	holds(at(4*time.Hour), 6)
	for _, limit := range []int{0, -1, store.MaxPage + 1} {
		if _, _, err := s.LastIdleExpiry(ctx, "", limit); err == nil {
			t.Errorf("a page of %d was taken", limit)
		}
	}
	if _, _, err := s.LastIdleExpiry(ctx, "no cursor", 1); err == nil {
		t.Error("a cursor of nothing was taken")
	}
}

// familyLastPutBack shortens the idle lifetime with a rotation, which may be undone.
func familyLastPutBack(t *testing.T, ctx context.Context, s store.Store) {
	f := withFamily(t, ctx, s)
	r := present(f, 1, time.Minute)
	r.Idle = time.Minute
	same(t, must[store.RotationResult](t)(s.Rotate(ctx, r)).Outcome, store.Rotated)
	last, next, err := s.LastIdleExpiry(ctx, "", 10)
	ok(t, err)
	same(t, last, f.IdleExpiresAt)
	same(t, next, "")
}
