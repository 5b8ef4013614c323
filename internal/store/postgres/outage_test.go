package postgres_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"strings"
	"testing"
	"time"

	"authserver/internal/store"
	"authserver/internal/store/postgres"
	"authserver/internal/store/storetest"
	"authserver/test/pgtest"
)

func TestOpenRefuses(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		url         string
		unavailable bool
	}{
		"no URL at all":     {"sqlite:a.db", false},
		"no server there":   {"postgres://u:hush@127.0.0.1:1/a?sslmode=disable", true},
		"no such database":  {strings.Replace(pgtest.URL(t), "authserver_test_", "authserver_none_", 1), true},
		"an unknown option": {"postgres://u:hush@127.0.0.1:1/a?default_query_exec_mode=hush", false},
	} {
		t.Run(name, func(t *testing.T) {
			s, err := postgres.Open(t.Context(), postgres.Options{URL: c.url})
			if err == nil {
				s.Close()
				t.Fatal("it was opened")
			}
			if errors.Is(err, store.ErrUnavailable) != c.unavailable {
				t.Error(err)
			}
			if strings.Contains(err.Error(), "u:hush") {
				t.Errorf("the password is in the error: %v", err)
			}
		})
	}
}

// everyKind calls a method that reads, one that writes a row and one that needs a transaction.
func everyKind(ctx context.Context, s store.Store, f store.Family) map[string]error {
	_, rotate := s.Rotate(ctx, present(f, 1))
	_, read := s.User(ctx, "alice")
	_, list := s.ListUsers(ctx, store.Page{Limit: 1})
	_, _, revocations := s.RevocationsAfter(ctx, "", at(0), 10)
	_, status := s.MigrationStatus(ctx)
	_, sweep := s.Sweep(ctx, at(0), 10)
	return map[string]error{
		"rotate": rotate, "read": read, "list": list, "revocations": revocations, "status": status, "sweep": sweep,
		"create": s.CreateUser(ctx, store.User{ID: "bob", Username: "bob", CreatedAt: at(0), UpdatedAt: at(0)}, storetest.By()),
		"delete": s.DeleteClient(ctx, "web", storetest.Voiding(store.Void{})),
		"check":  s.CheckWritable(ctx), "migrate": s.MigrateUp(ctx),
	}
}

func TestDatabaseGoesAway(t *testing.T) {
	t.Parallel()
	url := pgtest.URL(t)
	s := migrated(t, postgres.Options{URL: url})
	f := withFamily(t, s)
	admin := session(t, with(t, url, "dbname", "postgres"))
	name := session(t, url).Config().Database
	exec(t, admin, "ALTER DATABASE "+name+" ALLOW_CONNECTIONS false")
	exec(t, admin, "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = $1", name)
	for range 3 {
		for what, err := range everyKind(t.Context(), s, f) {
			if !errors.Is(err, store.ErrUnavailable) {
				t.Errorf("%s: got error %v, want %v", what, err, store.ErrUnavailable)
			}
		}
	}
	exec(t, admin, "ALTER DATABASE "+name+" ALLOW_CONNECTIONS true")
	if got, err := s.Rotate(t.Context(), present(f, 1)); err != nil || got.Outcome != store.Rotated {
		t.Errorf("with the database back: %v, %v", got.Outcome, err)
	}
}

func TestReadOnlyServer(t *testing.T) {
	t.Parallel()
	url := pgtest.URL(t)
	s := migrated(t, postgres.Options{URL: url})
	f := withFamily(t, s)
	standby := open(t, postgres.Options{URL: with(t, url, "default_transaction_read_only", "on")})
	wantUnavailable(t, standby.CheckWritable(t.Context()))
	_, err := standby.Rotate(t.Context(), present(f, 1))
	wantUnavailable(t, err)
	admin := session(t, url)
	eventually(t, "the connection to it is closed", func() bool {
		return query[int](t, admin, "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND query LIKE '%refresh_reused%' AND pid <> pg_backend_pid()") == 0
	})
	if _, err := standby.User(t.Context(), "alice"); err != nil {
		t.Error(err)
	}
}

func TestTooManyConnections(t *testing.T) {
	t.Parallel()
	url := pgtest.URL(t)
	s := migrated(t, postgres.Options{URL: url, MaxConns: 2})
	name := session(t, url).Config().Database
	admin := session(t, with(t, url, "dbname", "postgres"))
	s.Close()
	exec(t, admin, "ALTER DATABASE "+name+" CONNECTION LIMIT 0")
	exec(t, admin, "CREATE ROLE "+name+" LOGIN PASSWORD 'hush'") // the limit does not apply to a superuser
	t.Cleanup(func() { _, _ = admin.Exec(context.Background(), "DROP ROLE "+name) })
	_, err := postgres.Open(t.Context(), postgres.Options{URL: with(t, url, "user", name, "password", "hush")})
	wantUnavailable(t, err)
}

// TestLockHeldElsewhere: a call gives up a wait in the server, and leaves no waiting statement
// behind. The test runs alone, because all its calls have three seconds.
func TestLockHeldElsewhere(t *testing.T) {
	url := pgtest.URL(t)
	s := migrated(t, postgres.Options{URL: url, QueryTimeout: 3 * time.Second})
	f := withFamily(t, s)
	holder := session(t, url)
	exec(t, holder, "BEGIN")
	exec(t, holder, "SELECT FROM refresh_families FOR UPDATE")
	_, err := s.Rotate(t.Context(), present(f, 1))
	wantUnavailable(t, err)
	watcher := session(t, url)
	eventually(t, "no session waits for a lock", func() bool {
		return query[int](t, watcher, "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'") == 0
	})
	if _, err := s.Sweep(t.Context(), at(99*time.Hour), 10); err != nil {
		t.Errorf("the sweep did not pass over a locked row: %v", err)
	}
	exec(t, holder, "ROLLBACK")
	if got, err := s.Rotate(t.Context(), present(f, 1)); err != nil || got.Outcome != store.Rotated {
		t.Errorf("with the lock gone: %v, %v", got.Outcome, err)
	}
}

// TestDeadlockIsRetried: the store and another session wait for each other, and PostgreSQL ends the
// store's transaction, because it looks for a deadlock sooner. If the other session is slow to go on,
// the store's next try locks the user again before it does, and both wait for each other once more.
func TestDeadlockIsRetried(t *testing.T) {
	t.Parallel()
	url := pgtest.URL(t)
	var log bytes.Buffer
	s := migrated(t, postgres.Options{URL: with(t, url, "deadlock_timeout", "2s"), Logger: slog.New(slog.NewTextHandler(&log, nil))})
	withFamily(t, s)
	other, admin := session(t, with(t, url, "deadlock_timeout", "10min")), session(t, url)
	exec(t, other, "BEGIN")
	exec(t, other, "SELECT FROM refresh_families FOR UPDATE")
	deleted := make(chan error, 1)
	voids := store.Void{Kind: store.RevokedUser, Value: "alice", Before: at(0), IssuedUntil: at(time.Hour)}
	go func() { deleted <- s.DeleteUser(t.Context(), "alice", storetest.Voiding(voids)) }()
	eventually(t, "the deletion waits for the family", func() bool {
		return query[int](t, admin, "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'") == 1
	})
	exec(t, other, "UPDATE users SET disabled = true")
	exec(t, other, "COMMIT")
	if err := <-deleted; err != nil {
		t.Error(err)
	}
	retries := strings.Count(log.String(), "a database call begins anew")
	if retries == 0 {
		t.Errorf("no call began anew:\n%s", &log)
	}
	eventually(t, "PostgreSQL has counted a deadlock for each retry", func() bool {
		return query[int](t, admin, "SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()") == retries
	})
}

// TestSilentServer: the network drops everything, as a firewall does. The test runs alone, because
// all its calls have 300 ms.
func TestSilentServer(t *testing.T) {
	direct := pgtest.URL(t)
	through := pgtest.NewWire(t, direct)
	f := withFamily(t, migrated(t, postgres.Options{URL: direct}))
	s := open(t, postgres.Options{URL: through.URL, QueryTimeout: 300 * time.Millisecond, ConnectTimeout: 300 * time.Millisecond})
	eventually(t, "the store is connected", func() bool { return s.CheckWritable(t.Context()) == nil })
	through.Silence()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	for range 2 { // on the existing connection, and on new ones
		_, err := s.Rotate(ctx, present(f, 1))
		wantUnavailable(t, err)
	}
	if ctx.Err() != nil {
		t.Error("the calls, of which each has 300 ms, took longer than twenty seconds")
	}
	through.Mend()
	eventually(t, "the store recovers", func() bool {
		got, err := s.Rotate(t.Context(), present(f, 1))
		return err == nil && (got.Outcome == store.Rotated || got.Outcome == store.Graced)
	})
}
