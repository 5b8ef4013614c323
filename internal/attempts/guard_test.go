package attempts_test

import (
	"context"
	"errors"
	"log/slog"
	"testing"
	"time"

	"authserver/internal/attempts"
	"authserver/internal/store"
	"authserver/internal/store/sqlite"
	"authserver/internal/testkit"
	"authserver/test/sqlitetest"
)

// replicas are servers on one database, and their clock.
type replicas struct {
	*testing.T
	db    *sqlite.DB
	clock *testkit.Clock
}

func newReplicas(t *testing.T) replicas {
	t.Helper()
	return replicas{t, sqlitetest.Open(t), testkit.NewClock(time.Date(2026, 3, 29, 2, 0, 0, 0, time.UTC))}
}

func (r replicas) start() *attempts.Guard {
	return &attempts.Guard{
		Store: r.db, Actor: store.Actor{Type: store.ActorServer, ID: "test"}, Now: r.clock.Now, Logger: slog.New(slog.DiscardHandler),
	}
}

var (
	alice = store.LoginAccount("alice")
	bob   = store.LoginAccount("bob")
)

// guess makes a wrong attempt, and returns how long the caller must wait; 0: the attempt was made.
func (r replicas) guess(g *attempts.Guard, account [32]byte, from attempts.Origin) time.Duration {
	r.Helper()
	turn, err := g.Enter(r.Context(), account, from)
	if throttled := (*attempts.ThrottledError)(nil); errors.As(err, &throttled) {
		return throttled.Wait
	} else if err != nil {
		r.Fatal(err)
	}
	turn.Failed(r.Context(), attempts.Subject{UserID: "id", RequestID: "request"})
	return 0
}

// enter reports whether an attempt may be made, and makes it with the right secret.
func (r replicas) enter(g *attempts.Guard, account [32]byte, from attempts.Origin) bool {
	r.Helper()
	turn, err := g.Enter(r.Context(), account, from)
	if err == nil {
		turn.Passed(r.Context())
	}
	return err == nil
}

func (r replicas) wants(what string, got, want time.Duration) {
	r.Helper()
	if got != want {
		r.Errorf("%s: a wait of %s, want %s", what, got, want)
	}
}

func at(share string) attempts.Origin { return attempts.Origin{Share: share} }

// RFC 6819 §5.1.4.2.3 (tar pit), RFC 9700 §2.4, NIST SP 800-63B-4 §3.2.2: waits grow.
func TestWaitsGrowAndAreBounded(t *testing.T) {
	r := newReplicas(t)
	g := r.start()
	for range 10 {
		r.wants("one of the first guesses", r.guess(g, alice, at("192.0.2.1")), 0)
	}
	for _, want := range []time.Duration{1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024} {
		r.wants("a guess too early", r.guess(g, alice, at("192.0.2.1")), want*time.Second)
		r.clock.Advance(want * time.Second)
		r.wants("a guess after the wait", r.guess(g, alice, at("192.0.2.1")), 0)
	}
	guesses := 21
	for r.clock.Now().Before(time.Date(2026, 3, 30, 2, 0, 0, 0, time.UTC)) {
		wait := r.guess(g, alice, at("192.0.2.1"))
		if wait > 30*time.Minute {
			t.Fatalf("a wait of %s", wait)
		}
		if wait == 0 {
			guesses++
		}
		r.clock.Advance(max(wait, time.Second))
	}
	if guesses > 100 {
		t.Errorf("%d guesses in a day from one network, want 100 at most (NIST SP 800-63B-4 §3.2.2)", guesses)
	}
	r.clock.Advance(25 * time.Hour)
	for range 10 {
		r.wants("a guess on another day", r.guess(g, alice, at("192.0.2.1")), 0)
	}
}

func TestWhatCountsTogether(t *testing.T) {
	for _, c := range []struct {
		name    string
		from    attempts.Origin
		account [32]byte
		waits   bool
	}{
		{"the same address", at("192.0.2.1"), alice, true},
		{"another address of the same /24", at("192.0.2.254"), alice, true},
		{"another network: strangers lock no person out", at("192.0.3.1"), alice, false},
		{"an IPv6 network", at("2001:db8::/64"), alice, false},
		{"another account from the same address", at("192.0.2.1"), bob, false},
		{"a client of the same name", at("192.0.2.1"), store.ClientAccount("alice"), false},
		{"a browser in which the person signed in before", attempts.Origin{Share: "192.0.2.1", Device: "known"}, alice, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := newReplicas(t)
			g := r.start()
			for range 13 {
				r.guess(g, alice, at("192.0.2.1"))
			}
			if got := r.guess(g, c.account, c.from) > 0; got != c.waits {
				t.Errorf("it waits: %v, want %v", got, c.waits)
			}
		})
	}
	t.Run("addresses of one IPv6 /64", func(t *testing.T) {
		r := newReplicas(t)
		g := r.start()
		for range 13 {
			r.guess(g, alice, at("2001:db8::/64"))
		}
		if r.guess(g, alice, at("2001:db8::/64")) == 0 || r.guess(g, alice, at("2001:db8:0:1::/64")) > 0 {
			t.Error("the one network has to wait, and the other has not")
		}
	})
}

// A stolen device cookie, and a browser that many people use, do not avoid the waits.
func TestKnownBrowserHasItsOwnCounter(t *testing.T) {
	r := newReplicas(t)
	g := r.start()
	known := attempts.Origin{Share: "192.0.2.1", Device: "known"}
	for range 10 {
		r.wants("a guess with a known browser", r.guess(g, alice, known), 0)
	}
	for range 10 { // now it counts as an unknown browser
		r.wants("a guess as a stranger", r.guess(g, alice, known), 0)
	}
	if r.guess(g, alice, known) == 0 {
		t.Error("a known browser guesses on and on")
	}
	if !r.enter(g, alice, attempts.Origin{Share: "192.0.2.1", Device: "another"}) {
		t.Error("another browser of the person has to wait")
	}
}

// This is password spraying: one password for many accounts from one address.
func TestGuessesAtManyAccountsWait(t *testing.T) {
	r := newReplicas(t)
	g := r.start()
	of := func(i int) [32]byte { return [32]byte{1, byte(i), byte(i >> 8)} }
	for i := range 50 {
		r.wants("one of the first guesses", r.guess(g, of(i), at("192.0.2.1")), 0)
	}
	r.wants("one more", r.guess(g, of(50), at("192.0.2.1")), time.Second)
	r.wants("the neighbour", r.guess(g, of(50), at("192.0.2.2")), 0)
	r.wants("the server of an application", r.guess(g, of(51), attempts.Origin{Share: "192.0.2.1", Backend: true}), 0)
	made := 0
	for range 3600 {
		if r.guess(g, of(1000+made), at("192.0.2.1")) == 0 {
			made++
		}
		r.clock.Advance(time.Second)
	}
	if made > 150 {
		t.Errorf("%d guesses in an hour from one address", made)
	}
}

// NIST SP 800-63B-4 §3.2.2: a success resets the counter of the account, but not that of the
// address.
func TestSuccessForgetsFailures(t *testing.T) {
	r := newReplicas(t)
	g := r.start()
	for range 20 {
		for range 9 {
			r.wants("a guess", r.guess(g, alice, attempts.Origin{Share: "192.0.2.1", Backend: true}), 0)
		}
		if !r.enter(g, alice, at("192.0.2.1")) {
			t.Fatal("the right password has to wait")
		}
	}
	rows, err := r.db.FailuresSince(t.Context(), r.clock.Now().Add(-time.Hour), 100)
	if err != nil || len(rows) != 0 {
		t.Errorf("%v, %v are left", rows, err)
	}
	for i := range 50 {
		r.guess(g, [32]byte{1, byte(i)}, at("192.0.2.1"))
	}
	r.clock.Advance(time.Second)
	r.enter(g, bob, at("192.0.2.1"))
	r.guess(g, alice, at("192.0.2.1"))
	if r.enter(g, bob, at("192.0.2.1")) {
		t.Error("an attacker with an account begins anew at will")
	}
}

// An attempt without an earlier failure makes no query.
func TestSuccessCostsNothing(t *testing.T) {
	r := newReplicas(t)
	g := r.start()
	r.enter(g, alice, at("192.0.2.1"))
	before := r.db.RoundTrips()
	for range 10 {
		r.enter(g, alice, at("192.0.2.1"))
	}
	if asked := r.db.RoundTrips() - before; asked != 0 {
		t.Errorf("%d round trips", asked)
	}
}

func TestReplicasShareWhatTheyCount(t *testing.T) {
	r := newReplicas(t)
	one, other := r.start(), r.start()
	for range 11 {
		r.guess(one, alice, at("192.0.2.1"))
	}
	if err := other.Follow(t.Context()); err != nil {
		t.Fatal(err)
	}
	r.wants("at another replica", r.guess(other, alice, at("192.0.2.1")), time.Second)
	r.clock.Advance(time.Second)
	r.wants("the next guess, at the first", r.guess(one, alice, at("192.0.2.1")), 0)
	if err := other.Follow(t.Context()); err != nil {
		t.Fatal(err)
	}
	r.wants("at another replica", r.guess(other, alice, at("192.0.2.1")), 2*time.Second)

	r.clock.Advance(2 * time.Second)
	if !r.enter(other, alice, at("192.0.2.1")) {
		t.Fatal("the right password has to wait")
	}
	r.wants("at the first, after a success at the other", r.guess(one, alice, at("192.0.2.1")), 0)
}

func TestUnlockIsHeardOfWithinASecond(t *testing.T) {
	r := newReplicas(t)
	g := r.start()
	for range 16 {
		r.clock.Advance(min(r.guess(g, alice, at("192.0.2.1")), 8*time.Second))
	}
	if r.guess(g, alice, at("192.0.2.1")) < 4*time.Second {
		t.Fatal("the user has not to wait")
	}
	by := store.Change{Actor: store.Actor{Type: store.ActorOperator, ID: "test"}, Event: store.UserUnlocked, At: r.clock.Now()}
	if err := r.db.Unlock(t.Context(), "id", "alice", by); err != nil {
		t.Fatal(err)
	}
	r.clock.Advance(time.Second)
	if !r.enter(g, alice, at("192.0.2.1")) {
		t.Error("a user who was unlocked has to wait")
	}
}

// For each guessed account and place, the audit has one event a day, however many guesses there
// are, and none for accounts that do not exist.
func TestAuditTellsOfGuesses(t *testing.T) {
	r := newReplicas(t)
	g := r.start()
	for range 300 {
		r.guess(g, alice, at("192.0.2.1"))
		r.clock.Advance(10 * time.Second)
	}
	for range 20 {
		turn, err := g.Enter(t.Context(), bob, at("198.51.100.1"))
		if err == nil {
			turn.Failed(t.Context(), attempts.Subject{}) // of a user who does not exist
		}
	}
	told, err := r.db.ListEvents(t.Context(), store.EventFilter{Type: string(store.LoginThrottled), Limit: 100})
	if err != nil || len(told) != 1 || told[0].UserID != "id" || told[0].RequestID != "request" || told[0].Details.Reason != "network 192.0.2.0/24" {
		t.Errorf("the audit has %+v, %v", told, err)
	}
}

// Without the database each replica counts by itself, and no right password has to wait for the
// database.
func TestDatabaseIsGone(t *testing.T) {
	r := newReplicas(t)
	g := r.start()
	r.guess(g, alice, at("192.0.2.1"))
	r.db.Close()
	for range 9 {
		r.wants("a guess", r.guess(g, alice, at("192.0.2.1")), 0)
	}
	if r.guess(g, alice, at("192.0.2.1")) == 0 {
		t.Error("guesses are not counted")
	}
	r.clock.Advance(time.Hour)
	if !r.enter(g, alice, at("192.0.2.1")) || !r.enter(g, bob, at("192.0.2.1")) {
		t.Error("the right password has to wait")
	}
}

func TestNoGuardCountsNothing(t *testing.T) {
	var g *attempts.Guard
	for range 100 {
		turn, err := g.Enter(context.Background(), alice, at("192.0.2.1"))
		if err != nil {
			t.Fatal(err)
		}
		turn.Failed(t.Context(), attempts.Subject{})
		turn.Passed(t.Context())
	}
}
