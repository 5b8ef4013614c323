package storetest

import (
	"context"
	"testing"
	"time"

	"authserver/internal/store"
)

func sessionTests() []test {
	return []test{
		{"a session comes back as it was created, by its ID and by its secret with its user", with(sessionRoundTrip)},
		{"a session comes with what its user consented to for one client, in the same read", with(sessionWithConsent)},
		{"a session of no user, and a second of the same ID or secret, are refused", with(sessionRefusals)},
		{"a renewal replaces the secret and what the sign-in says, and the old secret is gone", with(sessionRenewed)},
		{"a renewal of a session that ended, or of another user's, is a conflict", with(sessionNotRenewed)},
		{"of many renewals at once exactly one is taken", sessionRenewRace},
		{"sessions that are seen live on, and never beyond their end", with(sessionSeen)},
		{"a session that ends takes the families and codes that are not offline along", with(sessionEnded)},
		{"a session that ended once does not end again", with(sessionEndedTwice)},
		{"sessions that expired end with their families, and those that were seen live on", with(sessionsExpired)},
		{"a session that is void with its user ends without telling its clients again", with(sessionExpiredVoid)},
		{"of servers at once one ends a session that expired", sessionExpiryRace},
		{"no family is begun by a session that ended, or by another user's", with(sessionOver)},
		{"a family that is begun while its session ends is not left over", sessionEndRace},
		{"a session is void with its user, and goes with the user", with(sessionVoid)},
		{"sessions are listed a page at a time, of one user or of all", with(sessionList)},
		{"sessions go a day after they ended, and not before", with(sweepSessions)},
		{"codes that were not redeemed go when they expired, and redeemed ones stay", with(sweepCodes)},
	}
}

// aSession returns a session of "alice".
func aSession(number byte) store.Session {
	return store.Session{
		ID: store.SessionID{15: number}, Secret: [32]byte{31: number}, UserID: "alice", UserNotBefore: at(0),
		Methods: []store.SessionMethod{{Method: "pwd", At: at(0)}, {Method: "otp", At: at(time.Second)}}, Device: "Firefox — Linux", Address: "2001:db8::1",
		CreatedAt: at(0), SeenAt: at(time.Second), IdleExpiresAt: at(time.Hour), ExpiresAt: at(24 * time.Hour),
	}
}

// withSession adds "web", "alice", a family of theirs without a session, and a session.
func withSession(t *testing.T, ctx context.Context, s store.Store) store.Session {
	t.Helper()
	withFamily(t, ctx, s)
	one := aSession(1)
	ok(t, s.CreateSession(ctx, one, Changing(store.SessionCreated)))
	return one
}

// Changing returns By with a type of event.
func Changing(what store.EventType) store.Change {
	by := By()
	by.Event = what
	return by
}

// ending returns a change that ends a session or a consent.
func ending(what store.EventType, after time.Duration, reason string) store.Change {
	return Changing(what).Voiding(store.Void{
		Kind: store.RevokedFamily, Before: at(after), IssuedUntil: at(after + 15*time.Minute), Reason: reason,
	})
}

// voided returns the revocation that ending records for a family.
func voided(f store.Family, by store.Change) store.Revocation {
	v := by.Voids
	v.Value = f.ID.String()
	return kept(v)
}

func sessionRoundTrip(t *testing.T, ctx context.Context, s store.Store) {
	want := withSession(t, ctx, s)
	same(t, must[store.Session](t)(s.Session(ctx, want.ID)), want)
	before := s.RoundTrips()
	got, err := s.SessionBySecret(ctx, want.Secret, "web")
	ok(t, err)
	same(t, s.RoundTrips()-before, 1)
	alice := aUser("alice")
	alice.PasswordHash = nil
	same(t, got, store.SignedIn{Session: want, User: alice})
	told := theEvents(t, ctx, s, store.SessionCreated)
	same(t, len(told), 1)
	same(t, []string{told[0].UserID, told[0].Details.ID}, []string{"alice", "00000000000000000000000000000001"})

	cut := aSession(2)
	cut.IdleExpiresAt = at(48 * time.Hour)
	ok(t, s.CreateSession(ctx, cut, By()))
	same(t, must[store.Session](t)(s.Session(ctx, cut.ID)).IdleExpiresAt, cut.ExpiresAt)

	_, err = s.Session(ctx, store.SessionID{9})
	wantErr(t, err, store.ErrNotFound)
	_, err = s.SessionBySecret(ctx, [32]byte{9}, "web")
	wantErr(t, err, store.ErrNotFound)
}

func sessionWithConsent(t *testing.T, ctx context.Context, s store.Store) {
	one := withSession(t, ctx, s)
	ok(t, s.CreateClient(ctx, aClient("other"), By()))
	ok(t, s.CreateUser(ctx, aUser("bob"), By()))
	bobs := aConsent("web")
	bobs.UserID = "bob"
	ok(t, s.SetConsent(ctx, bobs, Changing(store.ConsentGranted)))
	consented := func(clientID string) *store.Consent {
		t.Helper()
		before := s.RoundTrips()
		got, err := s.SessionBySecret(ctx, one.Secret, clientID)
		ok(t, err)
		same(t, s.RoundTrips()-before, 1)
		same(t, got.Session, one)
		return got.Consent
	}
	for _, client := range []string{"web", "other", ""} {
		same(t, consented(client), nil)
	}
	want := aConsent("web")
	ok(t, s.SetConsent(ctx, want, Changing(store.ConsentGranted)))
	same(t, consented("web"), &want)
	same(t, consented("other"), nil)
	web := must[store.Client](t)(s.Client(ctx, "web"))
	ok(t, s.DeleteClient(ctx, "web", By()))
	web.CreatedAt = web.CreatedAt.Add(time.Hour)
	ok(t, s.CreateClient(ctx, web, By()))
	same(t, consented("web"), nil)
}

func sessionRefusals(t *testing.T, ctx context.Context, s store.Store) {
	one := withSession(t, ctx, s)
	other := aSession(2)
	other.ID = one.ID
	wantErr(t, s.CreateSession(ctx, other, By()), store.ErrExists)
	other = aSession(2)
	other.Secret = one.Secret
	wantErr(t, s.CreateSession(ctx, other, By()), store.ErrExists)
	orphan := aSession(3)
	orphan.UserID = "nobody"
	wantErr(t, s.CreateSession(ctx, orphan, By()), store.ErrNotFound)
	unproved := aSession(3)
	unproved.Methods = nil
	refused(t, s.CreateSession(ctx, unproved, By()))
	if err := s.CreateSession(ctx, aSession(4), store.Change{}); err == nil {
		t.Error("a session was created without an actor")
	}
}

func sessionRenewed(t *testing.T, ctx context.Context, s store.Store) {
	one := withSession(t, ctx, s)
	renewed := one
	renewed.Secret, renewed.UserNotBefore = [32]byte{7}, at(time.Second)
	renewed.Methods = append(renewed.Methods, store.SessionMethod{Method: "hwk", At: at(time.Minute)})
	renewed.Device, renewed.Address, renewed.SeenAt, renewed.IdleExpiresAt, renewed.ExpiresAt = "", "192.0.2.1", at(time.Minute), at(2*time.Hour), at(30*time.Hour)
	ok(t, s.RenewSession(ctx, one.Secret, renewed, Changing(store.SessionRenewed)))
	same(t, must[store.Session](t)(s.Session(ctx, one.ID)), renewed)
	same(t, renewed.AuthTime(), at(time.Minute))
	_, err := s.SessionBySecret(ctx, one.Secret, "")
	wantErr(t, err, store.ErrNotFound)
	wantErr(t, s.RenewSession(ctx, one.Secret, one, By()), store.ErrNotFound)
	same(t, must[store.Session](t)(s.Session(ctx, one.ID)), renewed)
	same(t, len(theEvents(t, ctx, s, store.SessionRenewed)), 1)
}

func sessionNotRenewed(t *testing.T, ctx context.Context, s store.Store) {
	one := withSession(t, ctx, s)
	other := aUser("bob")
	other.ID = "b0b"
	ok(t, s.CreateUser(ctx, other, By()))
	for _, change := range []func(*store.Session){
		func(s *store.Session) { s.UserID = other.ID },
		func(s *store.Session) { s.ID[0]++ },
	} {
		renewed := one
		renewed.Secret = [32]byte{7}
		change(&renewed)
		wantErr(t, s.RenewSession(ctx, one.Secret, renewed, By()), store.ErrConflict)
	}
	ok(t, s.EndSession(ctx, one.ID, ending(store.SessionEnded, time.Minute, "logged_out")))
	wantErr(t, s.RenewSession(ctx, one.Secret, one, By()), store.ErrConflict)
}

func sessionRenewRace(t *testing.T, open Open) {
	ctx, one := migrated(t, open)
	handles := []store.Store{one, open()}
	of := withSession(t, ctx, one)
	taken := concurrently(20, func(i int) bool {
		renewed := of
		renewed.Secret = [32]byte{byte(i + 1)}
		return handles[i%2].RenewSession(ctx, of.Secret, renewed, By()) == nil
	})
	same(t, count(taken), map[bool]int{true: 1, false: 19})
}

func sessionSeen(t *testing.T, ctx context.Context, s store.Store) {
	one := withSession(t, ctx, s)
	ended := aSession(2)
	ok(t, s.CreateSession(ctx, ended, By()))
	ok(t, s.EndSession(ctx, ended.ID, ending(store.SessionEnded, time.Minute, "logged_out")))
	before := must[store.Session](t)(s.Session(ctx, ended.ID))
	ok(t, s.SeeSessions(ctx, nil))
	ok(t, s.SeeSessions(ctx, []store.SessionSeen{
		{ID: ended.ID, SeenAt: at(time.Minute), IdleExpiresAt: at(2 * time.Hour)},
		{ID: one.ID, SeenAt: at(time.Minute), IdleExpiresAt: at(2 * time.Hour)},
		{ID: one.ID, SeenAt: at(time.Second), IdleExpiresAt: at(time.Hour)}, // by a replica whose clock is behind
		{ID: store.SessionID{9}, SeenAt: at(time.Minute), IdleExpiresAt: at(2 * time.Hour)},
	}))
	one.SeenAt, one.IdleExpiresAt = at(time.Minute), at(2*time.Hour)
	same(t, must[store.Session](t)(s.Session(ctx, one.ID)), one)
	same(t, must[store.Session](t)(s.Session(ctx, ended.ID)), before)
	ok(t, s.SeeSessions(ctx, []store.SessionSeen{{ID: one.ID, SeenAt: at(0), IdleExpiresAt: at(99 * time.Hour)}}))
	one.IdleExpiresAt = one.ExpiresAt
	same(t, must[store.Session](t)(s.Session(ctx, one.ID)), one)
}

func sessionList(t *testing.T, ctx context.Context, s store.Store) {
	withSession(t, ctx, s)
	other := aUser("bob")
	other.ID = "b0b"
	ok(t, s.CreateUser(ctx, other, By()))
	made := []store.Session{aSession(1)}
	for n := byte(2); n < 6; n++ {
		one := aSession(n)
		if n%2 == 0 {
			one.UserID = other.ID
		}
		ok(t, s.CreateSession(ctx, one, By()))
		made = append(made, one)
	}
	for _, userID := range []string{"", "alice", other.ID, "nobody"} {
		var want, got []store.Session
		for _, one := range made {
			if userID == "" || one.UserID == userID {
				want = append(want, one)
			}
		}
		for page := (store.SessionPage{UserID: userID, Limit: 2}); ; {
			some := must[[]store.Session](t)(s.ListSessions(ctx, page))
			got = append(got, some...)
			if len(some) < page.Limit {
				break
			}
			page.After = some[len(some)-1].ID
		}
		same(t, got, want)
	}
	if _, err := s.ListSessions(ctx, store.SessionPage{UserID: "alice"}); err == nil {
		t.Error("a listing without a limit was taken")
	}
}
