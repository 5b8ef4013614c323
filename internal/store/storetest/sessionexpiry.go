package storetest

import (
	"context"
	"testing"
	"time"

	"authserver/internal/store"
)

// expiring returns a change that ends expired sessions: it voids no access token.
func expiring(after time.Duration) store.Change {
	return Changing(store.SessionEnded).Voiding(store.Void{Before: at(after), Reason: "session_expired"})
}

func sessionsExpired(t *testing.T, ctx context.Context, s store.Store) {
	idle := withSession(t, ctx, s) // after an hour
	token, code, offline := begun(t, ctx, s, idle)
	seen, late, over := aSession(2), aSession(3), aSession(4)
	over.ExpiresAt = at(90 * time.Minute) // in use until its end
	for _, one := range []store.Session{seen, late, over} {
		ok(t, s.CreateSession(ctx, one, By()))
	}
	toldClients(t, ctx, s, "a", "b")
	takesPart(t, ctx, s, "a", 30, idle)
	takesPart(t, ctx, s, "b", 31, seen)
	void := recorded(t, ctx, s)
	ok(t, s.SeeSessions(ctx, []store.SessionSeen{
		{ID: seen.ID, SeenAt: at(time.Hour), IdleExpiresAt: at(2 * time.Hour)},
		{ID: over.ID, SeenAt: at(time.Hour), IdleExpiresAt: at(2 * time.Hour)},
		{ID: late.ID, SeenAt: at(time.Hour + time.Microsecond), IdleExpiresAt: at(2 * time.Hour)}, // it had expired by then
	}))
	same(t, must[store.Session](t)(s.Session(ctx, late.ID)), late)

	end := func(before time.Duration, limit int) int {
		t.Helper()
		return must[int](t)(s.EndExpiredSessions(ctx, at(before), limit, expiring(3*time.Hour)))
	}
	same(t, end(time.Hour, 10), 0)
	same(t, end(time.Hour+time.Microsecond, 1), 1)
	same(t, end(time.Hour+time.Microsecond, 10), 1)
	same(t, end(time.Hour+time.Microsecond, 10), 0)
	for _, one := range []store.Session{idle, late} {
		one.EndedAt, one.EndedReason = at(3*time.Hour), "session_expired"
		same(t, must[store.Session](t)(s.Session(ctx, one.ID)), one)
	}
	same(t, must[store.Session](t)(s.Session(ctx, seen.ID)).EndedAt, store.Moment{})
	same(t, end(90*time.Minute+time.Microsecond, 10), 1)
	same(t, must[store.Session](t)(s.Session(ctx, over.ID)).EndedReason, "session_expired")

	for _, f := range []store.Family{token, code} {
		f.RevokedAt, f.RevokedReason = at(3*time.Hour), "session_expired"
		same(t, must[store.Family](t)(s.Family(ctx, f.ID)), f)
	}
	mustRotate(t, ctx, s, present(token, 1, time.Minute), store.Revoked)
	mustRotate(t, ctx, s, present(offline, 1, time.Minute), store.Rotated)
	same(t, recorded(t, ctx, s), void)
	same(t, due(t, ctx, s), []string{"a"})
	told := theEvents(t, ctx, s, store.SessionEnded)
	same(t, len(told), 3)
	same(t, []string{told[0].UserID, told[0].Details.Reason}, []string{"alice", "session_expired"})
	if _, err := s.EndExpiredSessions(ctx, at(time.Hour), 1, store.Change{}); err == nil {
		t.Error("sessions ended without an actor")
	}
}

func sessionExpiredVoid(t *testing.T, ctx context.Context, s store.Store) {
	one := withSession(t, ctx, s)
	toldClients(t, ctx, s, "a")
	takesPart(t, ctx, s, "a", 30, one)
	u := must[store.User](t)(s.User(ctx, "alice"))
	u.NotBefore = at(time.Minute)
	ok(t, s.UpdateUser(ctx, u, By()))
	d := must[[]store.Delivery](t)(s.ClaimDeliveries(ctx, at(time.Hour), at(2*time.Hour), 10))[0]
	d.Delivered, d.EndedAt = true, at(time.Hour)
	ok(t, s.SettleDelivery(ctx, d, Changing(store.LogoutUndelivered)))
	same(t, must[int](t)(s.EndExpiredSessions(ctx, at(2*time.Hour), 10, expiring(2*time.Hour))), 1)
	same(t, must[[]store.Delivery](t)(s.ListDeliveries(ctx, store.DeliveryPage{Limit: 10})), []store.Delivery{d})
}

func sessionExpiryRace(t *testing.T, open Open) {
	ctx, one := migrated(t, open)
	handles := []store.Store{one, open()}
	withFamily(t, ctx, one)
	toldClients(t, ctx, one, "a")
	for n := range byte(10) {
		of := aSession(n + 1)
		ok(t, one.CreateSession(ctx, of, By()))
		takesPart(t, ctx, one, "a", 50+n, of)
	}
	concurrently(4, func(i int) bool {
		if _, err := handles[i%2].EndExpiredSessions(ctx, at(2*time.Hour), 100, expiring(2*time.Hour)); err != nil {
			t.Error(err)
		}
		return true
	})
	same(t, must[int](t)(one.EndExpiredSessions(ctx, at(2*time.Hour), 100, expiring(2*time.Hour))), 0)
	same(t, len(theEvents(t, ctx, one, store.SessionEnded)), 10)
	same(t, len(due(t, ctx, one)), 10)
}
