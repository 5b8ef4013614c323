package storetest

import (
	"context"
	"testing"
	"time"

	"authserver/internal/store"
)

// begun returns families of a session: one with a refresh token, one with a code, and one that is
// offline.
func begun(t *testing.T, ctx context.Context, s store.Store, of store.Session) (token, code, offline store.Family) {
	t.Helper()
	token, code, offline = aFamily(10), aCode(11), aFamily(12)
	offline.Offline = true
	for _, f := range []*store.Family{&token, &code, &offline} {
		f.SessionID = of.ID
		ok(t, s.CreateFamily(ctx, *f))
	}
	return token, code, offline
}

func sessionEnded(t *testing.T, ctx context.Context, s store.Store) {
	one := withSession(t, ctx, s)
	token, code, offline := begun(t, ctx, s, one)
	another := aSession(2)
	ok(t, s.CreateSession(ctx, another, By()))
	elsewhere := aFamily(13)
	elsewhere.SessionID = another.ID
	ok(t, s.CreateFamily(ctx, elsewhere))

	offlineCode := aCode(14)
	offlineCode.SessionID, offlineCode.Offline = one.ID, true
	ok(t, s.CreateFamily(ctx, offlineCode))

	by := ending(store.SessionEnded, time.Minute, "logged_out")
	ok(t, s.EndSession(ctx, one.ID, by))
	one.EndedAt, one.EndedReason = at(time.Minute), "logged_out"
	same(t, must[store.Session](t)(s.Session(ctx, one.ID)), one)
	for _, f := range []store.Family{token, code, offlineCode} {
		f.RevokedAt, f.RevokedReason = at(time.Minute), "logged_out"
		same(t, must[store.Family](t)(s.Family(ctx, f.ID)), f)
	}
	for _, f := range []store.Family{aFamily(1), offline, elsewhere} {
		same(t, must[store.Family](t)(s.Family(ctx, f.ID)).RevokedAt, store.Moment{})
	}
	void := map[string]store.Revocation{}
	for _, r := range recorded(t, ctx, s) {
		void[r.Value] = r
	}
	same(t, len(void), 3)
	for _, f := range []store.Family{token, code, offlineCode} {
		want := voided(f, by)
		same(t, void[want.Value], want)
	}
	told := theEvents(t, ctx, s, store.SessionEnded)
	same(t, len(told), 1)
	same(t, []string{told[0].UserID, told[0].Details.Reason}, []string{"alice", "logged_out"})

	mustRotate(t, ctx, s, present(token, 1, time.Minute), store.Revoked)
	mustRedeem(t, ctx, s, redeem(code, 30*time.Second), store.Revoked)
	mustRedeem(t, ctx, s, redeem(offlineCode, 30*time.Second), store.Revoked)
	mustRotate(t, ctx, s, present(offline, 1, time.Minute), store.Rotated)
}

func sessionEndedTwice(t *testing.T, ctx context.Context, s store.Store) {
	one := withSession(t, ctx, s)
	begun(t, ctx, s, one)
	ok(t, s.EndSession(ctx, one.ID, ending(store.SessionEnded, time.Minute, "logged_out")))
	before, void := must[store.Session](t)(s.Session(ctx, one.ID)), recorded(t, ctx, s)
	ok(t, s.EndSession(ctx, one.ID, ending(store.SessionEnded, time.Hour, "again")))
	same(t, must[store.Session](t)(s.Session(ctx, one.ID)), before)
	same(t, recorded(t, ctx, s), void)
	same(t, len(theEvents(t, ctx, s, store.SessionEnded)), 1)
	wantErr(t, s.EndSession(ctx, store.SessionID{9}, ending(store.SessionEnded, time.Hour, "no such")), store.ErrNotFound)
}

func sessionOver(t *testing.T, ctx context.Context, s store.Store) {
	one := withSession(t, ctx, s)
	other := aUser("bob")
	other.ID = "b0b"
	ok(t, s.CreateUser(ctx, other, By()))
	begins := func(change func(*store.Family)) {
		t.Helper()
		f := aCode(20)
		f.SessionID = one.ID
		change(&f)
		use := store.Use{Issuer: "web", ID: [32]byte{5}, ExpiresAt: at(time.Hour)}
		wantErr(t, s.CreateFamily(ctx, f), store.ErrNotFound)
		wantErr(t, s.CreateFamily(ctx, f, use), store.ErrNotFound)
		same(t, must[bool](t)(s.AssertionUsed(ctx, use.Issuer, use.ID)), false)
		same(t, isThere(t, ctx, s, f.ID), false)
	}
	begins(func(f *store.Family) { f.SessionID = store.SessionID{9} })
	begins(func(f *store.Family) { f.UserID = other.ID })
	ok(t, s.EndSession(ctx, one.ID, ending(store.SessionEnded, time.Minute, "logged_out")))
	begins(func(*store.Family) {})
	living := aSession(2)
	ok(t, s.CreateSession(ctx, living, By()))
	f := aCode(21)
	f.SessionID = living.ID
	ok(t, s.CreateFamily(ctx, f, store.Use{Issuer: "web", ID: [32]byte{5}, ExpiresAt: at(time.Hour)}))
	same(t, isThere(t, ctx, s, f.ID), true)
}

func sessionEndRace(t *testing.T, open Open) {
	ctx, one := migrated(t, open)
	handles := []store.Store{one, open()}
	withFamily(t, ctx, one)
	for round := range byte(20) {
		of := aSession(round + 1)
		ok(t, one.CreateSession(ctx, of, By()))
		concurrently(4, func(i int) bool {
			if i == 0 {
				if err := handles[1].EndSession(ctx, of.ID, ending(store.SessionEnded, time.Minute, "logged_out")); err != nil {
					t.Error(err)
				}
				return true
			}
			f := aFamily(0)
			f.ID, f.SessionID = store.FamilyID{round, byte(i), 1}, of.ID
			return handles[i%2].CreateFamily(ctx, f) == nil
		})
		for _, f := range must[[]store.Family](t)(one.ListFamilies(ctx, store.FamilyPage{SessionID: of.ID, Limit: 10})) {
			if f.RevokedAt.IsZero() {
				t.Fatal("a family lives on without its session")
			}
		}
	}
}

func sessionVoid(t *testing.T, ctx context.Context, s store.Store) {
	one := withSession(t, ctx, s)
	c := store.Clock{Skew: time.Second}
	void := func(want bool, after time.Duration) {
		t.Helper()
		got, err := s.SessionBySecret(ctx, one.Secret, "")
		ok(t, err)
		same(t, got.Session.Void(got.User, at(after), c), want)
	}
	void(false, time.Minute)
	void(false, time.Hour) // by a clock that may be ahead
	void(true, time.Hour+time.Second)
	u := must[store.User](t)(s.User(ctx, "alice"))
	u.NotBefore = at(time.Millisecond)
	ok(t, s.UpdateUser(ctx, u, By()))
	void(true, time.Minute)
	u.Version, u.NotBefore, u.Disabled = u.Version+1, at(0), true
	ok(t, s.UpdateUser(ctx, u, By()))
	void(true, time.Minute)
	ok(t, s.DeleteUser(ctx, "alice", Voiding(voidsUser("alice", 0))))
	_, err := s.Session(ctx, one.ID)
	wantErr(t, err, store.ErrNotFound)
}

func sweepSessions(t *testing.T, ctx context.Context, s store.Store) {
	withSession(t, ctx, s) // idle after an hour
	ended := aSession(2)
	ok(t, s.CreateSession(ctx, ended, By()))
	ok(t, s.EndSession(ctx, ended.ID, ending(store.SessionEnded, time.Minute, "logged_out")))
	ok(t, s.RevokeFamily(ctx, aFamily(1).ID, Voiding(voidsFamily(aFamily(1).ID, 0, "revoked")))) // it is not the one to sweep
	left := func(after time.Duration, want ...store.SessionID) {
		t.Helper()
		for must[int](t)(s.Sweep(ctx, at(after), 1)) > 0 {
			continue
		}
		var ids []store.SessionID
		for _, one := range must[[]store.Session](t)(s.ListSessions(ctx, store.SessionPage{Limit: 10})) {
			ids = append(ids, one.ID)
		}
		same(t, ids, want)
	}
	left(time.Minute+store.KeepEnded, aSession(1).ID, ended.ID)
	left(time.Minute+store.KeepEnded+time.Microsecond, aSession(1).ID) // it expired, but its clients have no logout token yet
	same(t, must[int](t)(s.EndExpiredSessions(ctx, at(2*time.Hour), 10, expiring(2*time.Hour))), 1)
	left(2*time.Hour+store.KeepEnded, aSession(1).ID)
	left(2*time.Hour + store.KeepEnded + time.Microsecond)
}

func sweepCodes(t *testing.T, ctx context.Context, s store.Store) {
	left := withCode(t, ctx, s)
	used := aCode(3)
	ok(t, s.CreateFamily(ctx, used))
	mustRedeem(t, ctx, s, redeem(used, time.Second), store.Redeemed)
	same(t, must[int](t)(s.Sweep(ctx, at(time.Minute), 100)), 0)
	same(t, must[int](t)(s.Sweep(ctx, at(time.Minute+time.Microsecond), 100)), 1)
	same(t, isThere(t, ctx, s, left.ID), false)
	same(t, isThere(t, ctx, s, used.ID), true)
	mustRedeem(t, ctx, s, redeem(left, 0), store.Unknown)
}
