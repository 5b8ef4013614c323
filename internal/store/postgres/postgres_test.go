package postgres_test

import (
	"context"
	"errors"
	"net/url"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"go.uber.org/goleak"

	"authserver/internal/store"
	"authserver/internal/store/postgres"
	"authserver/internal/store/storetest"
	"authserver/test/pgtest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// inACrowd is how long a call may take while many tests run, in tests that are not about time.
const inACrowd = 30 * time.Second

func TestContract(t *testing.T) {
	contract(t, 16)
}

// TestContractWithoutSession tests what PgBouncer in transaction mode allows. It uses a single
// connection, so that a call that needed a second one would wait for itself, and a time zone that
// is not ours.
func TestContractWithoutSession(t *testing.T) {
	contract(t, 1, "default_query_exec_mode", "exec", "timezone", "Asia/Kathmandu")
}

// contract runs the contract with this number of connections, and with parameters added to the URL.
func contract(t *testing.T, connections int32, parameters ...string) {
	from := func(database func(testing.TB) string) func(*testing.T) storetest.Open {
		return func(t *testing.T) storetest.Open {
			u := with(t, database(t), parameters...)
			return func() store.Store {
				return open(t, postgres.Options{URL: u, MaxConns: connections, QueryTimeout: inACrowd})
			}
		}
	}
	migrated := pgtest.NewPool(t, func(url string) error {
		s, err := postgres.Open(t.Context(), postgres.Options{URL: url})
		if err != nil {
			return err
		}
		defer s.Close()
		return s.MigrateUp(t.Context())
	})
	storetest.Run(t, from(pgtest.URL), from(migrated.URL))
}

// with adds parameters to a URL.
func with(t *testing.T, text string, parameters ...string) string {
	t.Helper()
	u, err := url.Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	query := u.Query()
	for i := 0; i < len(parameters); i += 2 {
		query.Set(parameters[i], parameters[i+1])
	}
	u.RawQuery = query.Encode()
	return u.String()
}

func open(t *testing.T, o postgres.Options) *postgres.DB {
	t.Helper()
	s, err := postgres.Open(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	return s
}

func migrated(t *testing.T, o postgres.Options) *postgres.DB {
	t.Helper()
	s := open(t, o)
	if err := s.MigrateUp(t.Context()); err != nil {
		t.Fatal(err)
	}
	return s
}

// session opens a connection of the test's own to the database.
func session(t *testing.T, url string) *pgx.Conn {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close(context.Background()) })
	return conn
}

func exec(t *testing.T, conn *pgx.Conn, statement string, args ...any) {
	t.Helper()
	if _, err := conn.Exec(t.Context(), statement, args...); err != nil {
		t.Fatal(err)
	}
}

func query[T any](t *testing.T, conn *pgx.Conn, statement string, args ...any) T {
	t.Helper()
	var v T
	if err := conn.QueryRow(t.Context(), statement, args...).Scan(&v); err != nil {
		t.Fatal(err)
	}
	return v
}

// eventually polls until a condition is true.
func eventually(t *testing.T, what string, is func() bool) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	for !is() {
		select {
		case <-ctx.Done():
			t.Fatalf("never: %s", what)
		case <-time.After(20 * time.Millisecond):
		}
	}
}

func wantUnavailable(t *testing.T, err error) {
	t.Helper()
	if !errors.Is(err, store.ErrUnavailable) {
		t.Errorf("got error %v, want %v", err, store.ErrUnavailable)
	}
}

func at(d time.Duration) store.Moment {
	return time.Date(2026, time.March, 29, 2, 0, 0, 0, time.UTC).Add(d)
}

// withFamily adds a user and a family.
func withFamily(t *testing.T, s store.Store) store.Family {
	t.Helper()
	u := store.User{ID: "alice", Username: "alice", CreatedAt: at(0), UpdatedAt: at(0)}
	if err := s.CreateUser(t.Context(), u, storetest.By()); err != nil {
		t.Fatal(err)
	}
	f := store.Family{
		ID: store.FamilyID{1}, ClientID: "web", UserID: "alice", Resources: []string{"urn:api"}, Generation: 1,
		CreatedAt: at(0), ClientNotBefore: at(0), UserNotBefore: at(0), IdleExpiresAt: at(time.Hour), ExpiresAt: at(24 * time.Hour),
	}
	if err := s.CreateFamily(t.Context(), f); err != nil {
		t.Fatal(err)
	}
	return f
}

func present(f store.Family, generation uint32) store.Rotation {
	return store.Rotation{
		Exchange: store.Exchange{
			ID: f.ID, ClientID: "web", Candidates: []store.Candidate{{Resource: "urn:api"}}, Now: at(time.Minute), Idle: time.Hour,
			Voids: store.Void{Kind: store.RevokedFamily, Value: f.ID.String(), Before: at(time.Minute), IssuedUntil: at(time.Hour)},
		},
		Generation: generation, Grace: 10 * time.Second,
	}
}
