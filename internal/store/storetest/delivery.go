package storetest

import (
	"context"
	"testing"
	"time"

	"authserver/internal/store"
)

func deliveryTests() []test {
	return []test{
		{"the end of a session is for each client that took part and wants to be told", with(deliveredWhere)},
		{"families that were swept leave their client behind", with(deliveredAfterSweep)},
		{"a client without a family joins a session that lives", with(sessionJoined)},
		{"a user that is disabled, gets a password or is deleted ends sessions too", with(deliveredWithUser)},
		{"a client is told where a user takes back what they consented to, in the sessions that live", with(deliveredWithConsent)},
		{"a session that went on with another password tells its clients again", with(deliveredAgain)},
		{"an attempt is claimed, settled and ended", with(deliveryClaimed)},
		{"what another server has claimed since is not settled", with(deliverySettledLate)},
		{"a delivery that ended is swept after a day", with(deliverySwept)},
		{"the clients of a session are swept with it", with(sessionClientsSwept)},
		{"servers at once claim each delivery once", deliveryRace},
	}
}

// toldClients adds clients that get logout tokens.
func toldClients(t *testing.T, ctx context.Context, s store.Store, ids ...string) {
	t.Helper()
	for _, id := range ids {
		c := aClient(id)
		c.BackchannelLogoutURI = "https://" + id + ".example.com/logout"
		ok(t, s.CreateClient(ctx, c, By()))
	}
}

// takesPart adds a family of a client in a session.
func takesPart(t *testing.T, ctx context.Context, s store.Store, client string, number byte, of store.Session) store.Family {
	t.Helper()
	f := aFamily(number)
	f.ClientID, f.SessionID = client, of.ID
	ok(t, s.CreateFamily(ctx, f))
	return f
}

// due returns the clients that must get a logout token, in the order of the deliveries.
func due(t *testing.T, ctx context.Context, s store.Store) []string {
	t.Helper()
	var clients []string
	for _, d := range must[[]store.Delivery](t)(s.ListDeliveries(ctx, store.DeliveryPage{Limit: 100})) {
		clients = append(clients, d.ClientID)
	}
	return clients
}

func deliveredWhere(t *testing.T, ctx context.Context, s store.Store) {
	one := withSession(t, ctx, s)
	toldClients(t, ctx, s, "a", "b", "disabled", "stranger")
	disabled := must[store.Client](t)(s.Client(ctx, "disabled"))
	disabled.Disabled = true
	ok(t, s.UpdateClient(ctx, disabled, By()))
	for n, client := range []string{"b", "a", "web", "disabled", "a"} {
		takesPart(t, ctx, s, client, byte(20+n), one)
	}
	offline := aFamily(30)
	offline.ClientID, offline.SessionID, offline.Offline = "b", one.ID, true
	ok(t, s.CreateFamily(ctx, offline))
	elsewhere := aSession(2)
	ok(t, s.CreateSession(ctx, elsewhere, By()))
	takesPart(t, ctx, s, "stranger", 31, elsewhere)
	same(t, must[[]string](t)(s.SessionClients(ctx, one.ID)), []string{"a", "b", "disabled", "web"})
	same(t, due(t, ctx, s), nil)

	ok(t, s.EndSession(ctx, one.ID, ending(store.SessionEnded, time.Minute, "logged_out")))
	rows := must[[]store.Delivery](t)(s.ListDeliveries(ctx, store.DeliveryPage{Limit: 100}))
	same(t, len(rows), 2)
	for n, client := range []string{"a", "b"} {
		same(t, rows[n], store.Delivery{ID: rows[n].ID, ClientID: client, UserID: "alice", SessionID: one.ID, CreatedAt: By().At, DueAt: By().At})
	}
	same(t, must[[]store.Delivery](t)(s.ListDeliveries(ctx, store.DeliveryPage{After: rows[0].ID, Limit: 1})), rows[1:])
	ok(t, s.EndSession(ctx, one.ID, ending(store.SessionEnded, time.Hour, "again")))
	same(t, due(t, ctx, s), []string{"a", "b"})
	_, err := s.ListDeliveries(ctx, store.DeliveryPage{})
	same(t, err != nil, true)
}

func deliveredAfterSweep(t *testing.T, ctx context.Context, s store.Store) {
	withFamily(t, ctx, s)
	toldClients(t, ctx, s, "a", "b")
	one := aSession(1)
	one.IdleExpiresAt = one.ExpiresAt
	ok(t, s.CreateSession(ctx, one, By()))
	gone := takesPart(t, ctx, s, "a", 20, one)
	living := aFamily(21)
	living.ClientID, living.SessionID, living.IdleExpiresAt = "b", one.ID, living.ExpiresAt
	ok(t, s.CreateFamily(ctx, living))
	must[int](t)(s.Sweep(ctx, at(2*time.Hour), 100))
	same(t, isThere(t, ctx, s, gone.ID), false)
	takesPart(t, ctx, s, "a", 22, one) // again
	must[int](t)(s.Sweep(ctx, at(3*time.Hour), 100))
	same(t, must[[]string](t)(s.SessionClients(ctx, one.ID)), []string{"a", "b"})
	ok(t, s.EndSession(ctx, one.ID, ending(store.SessionEnded, 3*time.Hour, "logged_out")))
	same(t, due(t, ctx, s), []string{"a", "b"})
}

func sessionJoined(t *testing.T, ctx context.Context, s store.Store) {
	one := withSession(t, ctx, s)
	toldClients(t, ctx, s, "a")
	ok(t, s.JoinSession(ctx, one.ID, "a"))
	ok(t, s.JoinSession(ctx, one.ID, "a"))
	wantErr(t, s.JoinSession(ctx, store.SessionID{9}, "a"), store.ErrNotFound)
	same(t, must[[]string](t)(s.SessionClients(ctx, one.ID)), []string{"a"})
	ok(t, s.EndSession(ctx, one.ID, ending(store.SessionEnded, time.Minute, "logged_out")))
	same(t, due(t, ctx, s), []string{"a"})
	wantErr(t, s.JoinSession(ctx, one.ID, "web"), store.ErrNotFound)
}

func deliveredWithConsent(t *testing.T, ctx context.Context, s store.Store) {
	one := withSession(t, ctx, s)
	toldClients(t, ctx, s, "a", "b")
	ended, another, void := aSession(2), aSession(3), aSession(4)
	for _, of := range []store.Session{ended, another} {
		ok(t, s.CreateSession(ctx, of, By()))
	}
	takesPart(t, ctx, s, "a", 20, one)
	takesPart(t, ctx, s, "b", 21, one)
	takesPart(t, ctx, s, "a", 22, ended)
	takesPart(t, ctx, s, "b", 23, another)
	void.UserNotBefore = at(-time.Minute)
	ok(t, s.CreateSession(ctx, void, By()))
	takesPart(t, ctx, s, "a", 24, void)
	ok(t, s.EndSession(ctx, ended.ID, ending(store.SessionEnded, time.Minute, "logged_out")))
	of := must[[]store.Delivery](t)(s.ListDeliveries(ctx, store.DeliveryPage{Limit: 100}))
	same(t, len(of), 1)
	ok(t, s.RevokeConsent(ctx, "alice", "a", ending(store.ConsentRevoked, time.Minute, "revoked_by_user")))
	rows := must[[]store.Delivery](t)(s.ListDeliveries(ctx, store.DeliveryPage{Limit: 100}))
	same(t, len(rows), 2)
	same(t, rows[0], of[0])
	same(t, []any{rows[1].ClientID, rows[1].SessionID}, []any{"a", one.ID})
	wantErr(t, s.RevokeConsent(ctx, "alice", "a", ending(store.ConsentRevoked, time.Minute, "again")), store.ErrNotFound)
	same(t, len(due(t, ctx, s)), 2)
}

func deliveredWithUser(t *testing.T, ctx context.Context, s store.Store) {
	one := withSession(t, ctx, s)
	toldClients(t, ctx, s, "a", "b", "c")
	takesPart(t, ctx, s, "a", 20, one)
	ended := aSession(2)
	ok(t, s.CreateSession(ctx, ended, By()))
	ok(t, s.EndSession(ctx, ended.ID, ending(store.SessionEnded, time.Minute, "logged_out")))
	u := must[store.User](t)(s.User(ctx, "alice"))
	u.Roles = nil
	ok(t, s.UpdateUser(ctx, u, By()))
	same(t, due(t, ctx, s), nil)
	change := func(notBefore time.Duration) {
		t.Helper()
		u := must[store.User](t)(s.User(ctx, "alice"))
		u.NotBefore = at(notBefore)
		ok(t, s.UpdateUser(ctx, u, Voiding(store.Void{Kind: store.RevokedUser, Value: "alice", Before: u.NotBefore, IssuedUntil: u.NotBefore, Reason: "test"})))
	}
	change(time.Minute)
	same(t, due(t, ctx, s), []string{"a"})

	// A session that was void before is not part of the next change.
	after := aSession(3)
	after.UserNotBefore = at(time.Minute)
	ok(t, s.CreateSession(ctx, after, By()))
	takesPart(t, ctx, s, "b", 21, after)
	takesPart(t, ctx, s, "c", 22, one)
	change(2 * time.Minute)
	same(t, due(t, ctx, s), []string{"a", "b"})

	last := aSession(4)
	last.UserNotBefore = at(2 * time.Minute)
	ok(t, s.CreateSession(ctx, last, By()))
	takesPart(t, ctx, s, "c", 23, last)
	ok(t, s.DeleteUser(ctx, "alice", Voiding(store.Void{Kind: store.RevokedUser, Value: "alice", Before: at(time.Hour), IssuedUntil: at(time.Hour), Reason: "test"})))
	same(t, due(t, ctx, s), []string{"a", "b", "c"})
}

// withDelivery adds a delivery to a client.
func withDelivery(t *testing.T, ctx context.Context, s store.Store) store.Delivery {
	t.Helper()
	one := withSession(t, ctx, s)
	toldClients(t, ctx, s, "a")
	takesPart(t, ctx, s, "a", 20, one)
	ok(t, s.EndSession(ctx, one.ID, ending(store.SessionEnded, time.Minute, "logged_out")))
	return must[[]store.Delivery](t)(s.ListDeliveries(ctx, store.DeliveryPage{Limit: 1}))[0]
}

func deliveredAgain(t *testing.T, ctx context.Context, s store.Store) {
	one := withSession(t, ctx, s)
	toldClients(t, ctx, s, "a", "b")
	ok(t, s.JoinSession(ctx, one.ID, "a"))
	u := must[store.User](t)(s.User(ctx, "alice"))
	u.NotBefore = at(time.Minute)
	ok(t, s.UpdateUser(ctx, u, Voiding(store.Void{Kind: store.RevokedUser, Value: "alice", Before: u.NotBefore, IssuedUntil: u.NotBefore, Reason: "test"})))
	first := must[[]store.Delivery](t)(s.ClaimDeliveries(ctx, By().At, By().At.Add(time.Minute), 10))[0]
	first.EndedAt, first.Delivered, first.Fault = By().At, true, "before"
	ok(t, s.SettleDelivery(ctx, first, undelivered()))

	renewed := one
	renewed.Secret, renewed.UserNotBefore = [32]byte{9}, u.NotBefore
	ok(t, s.RenewSession(ctx, one.Secret, renewed, By()))
	ok(t, s.JoinSession(ctx, one.ID, "b"))
	ok(t, s.EndSession(ctx, one.ID, ending(store.SessionEnded, time.Hour, "logged_out")))
	rows := must[[]store.Delivery](t)(s.ListDeliveries(ctx, store.DeliveryPage{Limit: 10}))
	same(t, len(rows), 2)
	same(t, rows[0].ID == first.ID, false)
	same(t, rows[0], store.Delivery{ID: rows[0].ID, ClientID: "a", UserID: "alice", SessionID: one.ID, CreatedAt: By().At, DueAt: By().At})
	same(t, rows[1].ClientID, "b")
	ok(t, s.SettleDelivery(ctx, first, undelivered())) // late
	same(t, must[[]store.Delivery](t)(s.ListDeliveries(ctx, store.DeliveryPage{Limit: 10})), rows)
}

func undelivered() store.Change { return Changing(store.LogoutUndelivered) }

func deliveryClaimed(t *testing.T, ctx context.Context, s store.Store) {
	d := withDelivery(t, ctx, s)
	claim := func(now, again store.Moment) []store.Delivery {
		t.Helper()
		return must[[]store.Delivery](t)(s.ClaimDeliveries(ctx, now, again, 10))
	}
	after := func(d time.Duration) store.Moment { return By().At.Add(d) }
	same(t, claim(after(-1*time.Microsecond), after(time.Minute)), nil)
	d.DueAt, d.Attempts = after(time.Minute), 1
	same(t, claim(after(0), after(time.Minute)), []store.Delivery{d})
	same(t, claim(after(time.Minute-time.Microsecond), after(time.Hour)), nil)
	d.DueAt, d.Attempts = after(2*time.Minute), 2 // the server stopped
	same(t, claim(after(time.Minute), after(2*time.Minute)), []store.Delivery{d})

	d.DueAt, d.Fault = after(time.Hour), "it answers 503"
	ok(t, s.SettleDelivery(ctx, d, undelivered()))
	same(t, must[[]store.Delivery](t)(s.ListDeliveries(ctx, store.DeliveryPage{Limit: 1})), []store.Delivery{d})
	same(t, len(theEvents(t, ctx, s, store.LogoutUndelivered)), 0)
	d.DueAt, d.Attempts = after(2*time.Hour), 3
	same(t, claim(after(time.Hour), after(2*time.Hour)), []store.Delivery{d})
	d.EndedAt = after(time.Hour)
	ok(t, s.SettleDelivery(ctx, d, undelivered()))
	same(t, claim(after(24*time.Hour), after(25*time.Hour)), nil)
	told := theEvents(t, ctx, s, store.LogoutUndelivered)
	same(t, len(told), 1)
	same(t, []string{told[0].ClientID, told[0].UserID, told[0].Details.Reason}, []string{"a", "alice", "it answers 503"})
	for _, bad := range []func() ([]store.Delivery, error){
		func() ([]store.Delivery, error) { return s.ClaimDeliveries(ctx, after(0), after(time.Hour), 0) },
		func() ([]store.Delivery, error) { return s.ClaimDeliveries(ctx, after(0), after(0), 1) },
	} {
		_, err := bad()
		same(t, err != nil, true)
	}
}

func deliverySettledLate(t *testing.T, ctx context.Context, s store.Store) {
	withDelivery(t, ctx, s)
	slow := must[[]store.Delivery](t)(s.ClaimDeliveries(ctx, By().At, By().At.Add(time.Minute), 10))[0]
	other := must[[]store.Delivery](t)(s.ClaimDeliveries(ctx, By().At.Add(time.Minute), By().At.Add(2*time.Minute), 10))[0]
	slow.EndedAt, slow.Fault = By().At.Add(time.Minute), "late"
	ok(t, s.SettleDelivery(ctx, slow, undelivered()))
	same(t, len(theEvents(t, ctx, s, store.LogoutUndelivered)), 0)
	other.EndedAt, other.Delivered = By().At.Add(time.Minute), true
	ok(t, s.SettleDelivery(ctx, other, undelivered()))
	same(t, must[[]store.Delivery](t)(s.ListDeliveries(ctx, store.DeliveryPage{Limit: 1})), []store.Delivery{other})
	same(t, len(theEvents(t, ctx, s, store.LogoutUndelivered)), 0)
}

func deliverySwept(t *testing.T, ctx context.Context, s store.Store) {
	withDelivery(t, ctx, s)
	d := must[[]store.Delivery](t)(s.ClaimDeliveries(ctx, By().At, By().At.Add(time.Minute), 10))[0]
	must[int](t)(s.Sweep(ctx, By().At.Add(1000*time.Hour), 100)) // a pending delivery stays
	same(t, due(t, ctx, s), []string{"a"})
	d.EndedAt, d.Delivered = By().At, true
	ok(t, s.SettleDelivery(ctx, d, undelivered()))
	must[int](t)(s.Sweep(ctx, By().At.Add(store.KeepDelivered), 100))
	same(t, due(t, ctx, s), []string{"a"})
	must[int](t)(s.Sweep(ctx, By().At.Add(store.KeepDelivered+time.Microsecond), 100))
	same(t, due(t, ctx, s), nil)
}

func sessionClientsSwept(t *testing.T, ctx context.Context, s store.Store) {
	one := withSession(t, ctx, s)
	takesPart(t, ctx, s, "web", 20, one)
	s2 := one
	s2.Secret, s2.IdleExpiresAt, s2.ExpiresAt = [32]byte{9}, at(72*time.Hour), at(72*time.Hour)
	must[int](t)(s.Sweep(ctx, at(30*time.Minute), 100))
	ok(t, s.SeeSessions(ctx, []store.SessionSeen{{ID: one.ID, SeenAt: at(time.Hour), IdleExpiresAt: at(20 * time.Hour)}}))
	must[int](t)(s.Sweep(ctx, at(2*time.Hour), 100))
	ok(t, s.RenewSession(ctx, one.Secret, s2, By())) // it lives longer than the records of its clients
	must[int](t)(s.Sweep(ctx, at(48*time.Hour), 100))
	same(t, must[[]string](t)(s.SessionClients(ctx, one.ID)), []string{"web"})
	same(t, must[int](t)(s.EndExpiredSessions(ctx, at(100*time.Hour), 100, expiring(100*time.Hour))), 1)
	must[int](t)(s.Sweep(ctx, at(200*time.Hour), 100))
	must[int](t)(s.Sweep(ctx, at(200*time.Hour), 100))
	same(t, must[[]string](t)(s.SessionClients(ctx, one.ID)), nil)
}
