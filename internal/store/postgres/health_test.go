package postgres_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"authserver/internal/store"
	"authserver/internal/store/postgres"
	"authserver/migrations"
	"authserver/test/pgtest"
)

func TestTheCheckWritesInOneRoundTrip(t *testing.T) {
	url := pgtest.URL(t)
	s := migrated(t, postgres.Options{URL: url})
	observer := session(t, url)
	wal := func() int { return query[int](t, observer, "SELECT (pg_current_wal_insert_lsn() - '0/0')::bigint") }
	before, trips := wal(), s.RoundTrips()
	if err := s.CheckWritable(t.Context()); err != nil {
		t.Fatal(err)
	}
	if trips = s.RoundTrips() - trips; trips != 1 {
		t.Errorf("%d round trips", trips)
	}
	if wrote := wal() - before; wrote < 16<<10 {
		t.Errorf("it wrote %d bytes, want 16 KiB", wrote)
	}
	if rows := query[int](t, observer, "SELECT count(*) FROM probes"); rows != 0 {
		t.Errorf("%d rows are left", rows)
	}
}

func TestADatabaseThatBecameReadOnlyFailsTheCheck(t *testing.T) {
	t.Parallel()
	url := pgtest.URL(t)
	s := migrated(t, postgres.Options{URL: url})
	admin := session(t, with(t, url, "dbname", "postgres"))
	name := session(t, url).Config().Database
	exec(t, admin, "ALTER DATABASE "+name+" SET default_transaction_read_only = on")
	exec(t, admin, "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = $1", name)
	eventually(t, "the check fails", func() bool {
		err := s.CheckWritable(t.Context())
		return errors.Is(err, store.ErrUnavailable) && strings.Contains(err.Error(), "read-only")
	})
	exec(t, admin, "ALTER DATABASE "+name+" RESET default_transaction_read_only")
	exec(t, admin, "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = $1", name)
	eventually(t, "the check passes again", func() bool { return s.CheckWritable(t.Context()) == nil })
}

func TestAMissingTableFailsTheCheck(t *testing.T) {
	t.Parallel()
	url := pgtest.URL(t)
	s := migrated(t, postgres.Options{URL: url})
	admin := session(t, url)
	steps, err := migrations.Postgres()
	if err != nil {
		t.Fatal(err)
	}
	want, err := migrations.Tables(steps)
	if err != nil {
		t.Fatal(err)
	}
	there := query[[]string](t, admin, `SELECT array_agg(tablename::text ORDER BY tablename COLLATE "C") FROM pg_tables
		WHERE schemaname = 'public' AND tablename <> 'schema_migrations'`)
	if diff := cmp.Diff(there, want); diff != "" {
		t.Errorf("the check asks for other tables (-there +asked for):\n%s", diff)
	}
	exec(t, admin, "DROP TABLE used_assertions")
	fails := func(reason string) {
		t.Helper()
		if err := s.CheckWritable(t.Context()); err == nil || !strings.Contains(err.Error(), reason) {
			t.Errorf("error = %v, want %q", err, reason)
		}
	}
	fails("tables are missing: used_assertions")
	// A call that needs the table gets the same error as the health check, and does not hide what
	// the check finds.
	if err := s.UseOnce(t.Context(), store.Use{Issuer: "dpop", ExpiresAt: store.At(time.Now())}); !errors.Is(err, store.ErrUnavailable) {
		t.Errorf("error = %v, want that the store is unavailable", err)
	}
	fails("tables are missing: used_assertions")
	exec(t, admin, "DROP TABLE probes")
	fails("probes")
}

// The probe has a table of its own, and may succeed although writes to other tables fail.
func TestAWriteThatFailedCountsForSomeTime(t *testing.T) {
	t.Parallel()
	url := pgtest.URL(t)
	s := migrated(t, postgres.Options{URL: url})
	admin := session(t, url)
	use := func() error {
		return s.UseOnce(t.Context(), store.Use{Issuer: "urn:idp", ID: [32]byte{1}, ExpiresAt: at(time.Hour)})
	}
	exec(t, admin, `CREATE FUNCTION full_disk() RETURNS trigger LANGUAGE plpgsql AS $$
		BEGIN RAISE disk_full USING MESSAGE = 'could not extend file: No space left on device'; END $$`)
	exec(t, admin, "CREATE TRIGGER full_disk BEFORE INSERT ON used_assertions FOR EACH ROW EXECUTE FUNCTION full_disk()")
	if err := s.CheckWritable(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := use(); !errors.Is(err, store.ErrUnavailable) {
		t.Fatalf("a write to a full disk: %v", err)
	}
	if err := s.CheckWritable(t.Context()); !errors.Is(err, store.ErrUnavailable) || !strings.Contains(err.Error(), "No space left") {
		t.Errorf("error = %v, want the one of the write", err)
	}
	exec(t, admin, "DROP TRIGGER full_disk ON used_assertions")
	eventually(t, "the check passes again", func() bool { return s.CheckWritable(t.Context()) == nil })
	if err := use(); err != nil {
		t.Error(err)
	}
}

func BenchmarkCheckWritable(b *testing.B) {
	url := pgtest.URL(b)
	s, err := postgres.Open(b.Context(), postgres.Options{URL: url})
	if err != nil {
		b.Fatal(err)
	}
	defer s.Close()
	if err := s.MigrateUp(b.Context()); err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		if err := s.CheckWritable(b.Context()); err != nil {
			b.Fatal(err)
		}
	}
}
