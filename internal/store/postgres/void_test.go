package postgres_test

import (
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"authserver/internal/store"
	"authserver/internal/store/postgres"
	"authserver/internal/store/storetest"
	"authserver/test/pgtest"
)

// waits reports whether a session waits for a lock in the database.
func waits(t *testing.T, admin *pgx.Conn) func() bool {
	return func() bool {
		return query[int](t, admin, "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'") > 0
	}
}

// beside runs f while another session holds a lock that f needs.
func beside(t *testing.T, url string, hold func(conn *pgx.Conn), f func() error) {
	t.Helper()
	holder, admin := session(t, url), session(t, url)
	exec(t, holder, "BEGIN")
	hold(holder)
	done := make(chan error, 1)
	go func() { done <- f() }()
	eventually(t, "it waits", waits(t, admin))
	exec(t, holder, "COMMIT")
	if err := <-done; err != nil {
		t.Fatal(err)
	}
}

const longLife = 20 * time.Hour

func promise(t *testing.T, conn *pgx.Conn) {
	t.Helper()
	exec(t, conn, "LOCK TABLE lifetimes IN EXCLUSIVE MODE")
	exec(t, conn, `INSERT INTO lifetimes (server, rotation_interval_us, jwks_max_age_us, poll_interval_us, clock_skew_us, max_token_ttl_us, kept_until)
		VALUES ('long', 1, 1, 1, 0, $1, $2)`, longLife.Microseconds(), at(time.Hour))
}

// A revocation is kept for as long as a server has promised, even if the promise was committed
// while the statement that records the revocation was running.
func TestAPromiseIsSeenByWhatBeganBefore(t *testing.T) {
	t.Parallel()
	for name, void := range map[string]func(s *postgres.DB) error{
		"a revocation": func(s *postgres.DB) error {
			return s.Revoke(t.Context(), store.Void{Kind: store.RevokedUser, Value: "alice", Before: at(0), IssuedUntil: at(0)})
		},
		"a deletion": func(s *postgres.DB) error {
			return s.DeleteUser(t.Context(), "alice", storetest.Voiding(store.Void{Kind: store.RevokedUser, Value: "alice", Before: at(0), IssuedUntil: at(0)}))
		},
		"a reuse": func(s *postgres.DB) error {
			_, err := s.Rotate(t.Context(), present(store.Family{ID: store.FamilyID{1}}, 1))
			return err
		},
	} {
		t.Run(name, func(t *testing.T) {
			url := pgtest.URL(t)
			s := migrated(t, postgres.Options{URL: url})
			f := withFamily(t, s)
			if _, err := s.Rotate(t.Context(), present(f, 3)); err != nil { // so that generation 1 is no longer in the grace
				t.Fatal(err)
			}
			beside(t, url, func(conn *pgx.Conn) { promise(t, conn) }, func() error { return void(s) })
			list, _, err := s.RevocationsAfter(t.Context(), "", at(0), 10)
			if err != nil || len(list) != 1 || list[0].ExpiresAt.Before(at(longLife)) {
				t.Errorf("recorded %+v, %v", list, err)
			}
		})
	}
}

// A server with a new promise begins to serve only when the revocations that do not know the
// promise are committed.
func TestAPromiseWaitsForWhatWasNotTold(t *testing.T) {
	t.Parallel()
	url := pgtest.URL(t)
	s := migrated(t, postgres.Options{URL: url})
	withFamily(t, s)
	hold := func(conn *pgx.Conn) {
		exec(t, conn, "DELETE FROM users")
		exec(t, conn, "SELECT authserver_expired_after($1)", at(0))
	}
	l := store.Lifetimes{
		Server: "long", RotationInterval: time.Hour, JWKSMaxAge: time.Minute, PollInterval: time.Second, MaxTokenTTL: longLife, KeptUntil: at(time.Hour),
	}
	beside(t, url, hold, func() error { return s.PromiseLifetimes(t.Context(), l, at(0)) })
	if users, err := s.ListUsers(t.Context(), store.Page{Limit: 1}); err != nil || len(users) > 0 {
		t.Errorf("the server that promised finds %v, %v", users, err)
	}
}

// A client that is created again while its deletion is running is not void.
func TestAClientMadeAnewBesideItsDeletion(t *testing.T) {
	t.Parallel()
	url := pgtest.URL(t)
	s := migrated(t, postgres.Options{URL: url})
	withFamily(t, s)
	for _, c := range []struct {
		kind   store.RevocationKind
		table  string
		id     string // a name belongs to one noun
		create func() error
	}{
		{store.RevokedUser, "users", "alice", func() error {
			return s.CreateUser(t.Context(), store.User{ID: "alice", Username: "alice", CreatedAt: at(0), UpdatedAt: at(0)}, storetest.By())
		}},
		{store.RevokedClient, "clients", "batch", func() error {
			return s.CreateClient(t.Context(), store.Client{ID: "batch", CreatedAt: at(0), UpdatedAt: at(0)}, storetest.By())
		}},
	} {
		if c.kind == store.RevokedClient {
			if err := c.create(); err != nil {
				t.Fatal(err)
			}
		}
		hold := func(conn *pgx.Conn) {
			exec(t, conn, "DELETE FROM "+c.table)
			exec(t, conn, `INSERT INTO revocations (kind, value, voids_before, expires_at, reason, xid)
				VALUES ($1, $2, $3, $3, '', pg_current_xact_id())`, string(c.kind), c.id, at(time.Hour))
		}
		beside(t, url, hold, c.create)
		if got := query[time.Time](t, session(t, url), "SELECT not_before FROM "+c.table); !got.Equal(at(time.Hour)) {
			t.Errorf("of %s NotBefore is %s, and what is void %s", c.table, got, at(time.Hour))
		}
	}
}
