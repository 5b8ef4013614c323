package postgres

import (
	"context"
	"errors"
	"io/fs"
	"testing"
	"testing/fstest"
	"time"

	"authserver/internal/store"
	"authserver/test/pgtest"
)

// firstStep returns only the first step of the schema.
func firstStep(t *testing.T, steps fs.FS) fstest.MapFS {
	t.Helper()
	first := fstest.MapFS{}
	names, err := fs.Glob(steps, "0001_*")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range names {
		data, err := fs.ReadFile(steps, name)
		if err != nil {
			t.Fatal(err)
		}
		first[name] = &fstest.MapFile{Data: data}
	}
	return first
}

// brokenSteps adds a second step to the first one of the schema, which fails in the middle.
func brokenSteps(t *testing.T, steps fs.FS) fstest.MapFS {
	t.Helper()
	broken := firstStep(t, steps)
	broken["0002_more.up.sql"] = &fstest.MapFile{Data: []byte("CREATE TABLE more (id bigint); INSERT INTO nowhere VALUES (1);")}
	broken["0002_more.down.sql"] = &fstest.MapFile{Data: []byte("DROP TABLE more;")}
	return broken
}

func openForMigration(t *testing.T) *DB {
	t.Helper()
	d, err := Open(t.Context(), Options{URL: pgtest.URL(t)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(d.Close)
	return d
}

func wantStatus(t *testing.T, d *DB, want store.MigrationStatus) {
	t.Helper()
	got, err := d.MigrationStatus(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if got != want {
		t.Fatalf("got %+v, want %+v", got, want)
	}
}

func TestMigrationThatBreaksOff(t *testing.T) {
	t.Parallel()
	ctx, d := t.Context(), openForMigration(t)
	steps := firstStep(t, d.steps)
	broken := brokenSteps(t, steps)
	d.steps = broken
	if err := d.MigrateUp(ctx); err == nil {
		t.Fatal("the broken migration succeeded")
	}
	wantStatus(t, d, store.MigrationStatus{Version: 2, Latest: 2, Dirty: true})
	if err := d.MigrateUp(ctx); err == nil {
		t.Fatal("a dirty schema was migrated")
	}

	// The step ran in a transaction, so the schema has not changed.
	if err := d.MigrationForce(ctx, 1); err != nil {
		t.Fatal(err)
	}
	wantStatus(t, d, store.MigrationStatus{Version: 1, Latest: 2})
	broken["0002_more.up.sql"] = &fstest.MapFile{Data: []byte("CREATE TABLE more (id bigint);")}
	if err := d.MigrateUp(ctx); err != nil {
		t.Fatal(err)
	}
	wantStatus(t, d, store.MigrationStatus{Version: 2, Latest: 2})

	d.steps = steps // an earlier binary
	if err := d.MigrateUp(ctx); err == nil {
		t.Error("a newer schema was migrated")
	}
	if err := d.MigrateDown(ctx, 1); err == nil {
		t.Error("a newer schema was taken back")
	}
	wantStatus(t, d, store.MigrationStatus{Version: 2, Latest: 1})

	d.steps = broken
	broken["0001_initial.down.sql"] = &fstest.MapFile{Data: []byte("DROP TABLE nowhere;")}
	if err := d.MigrateDown(ctx, 2); err == nil {
		t.Error("the broken way back succeeded")
	}
	wantStatus(t, d, store.MigrationStatus{Version: 0, Latest: 2, Dirty: true})
}

func TestMigrationWaitsForAnother(t *testing.T) {
	t.Parallel()
	d := openForMigration(t)
	other, err := d.pool.Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := other.Exec(t.Context(), "SELECT pg_advisory_xact_lock($1)", int64(migrateLock)); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer cancel()
	if err := d.MigrateUp(ctx); !errors.Is(err, store.ErrUnavailable) {
		t.Errorf("got %v", err)
	}
	status, err := d.MigrationStatus(t.Context())
	if err != nil || status.Version != 0 {
		t.Fatalf("got %+v, %v", status, err)
	}
	done := make(chan error)
	go func() { done <- d.MigrateUp(t.Context()) }()
	if err := other.Rollback(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := <-done; err != nil {
		t.Error(err)
	}
}

// TestMigrationThatTakesTooLong: a migration ends with its context, although golang-migrate runs
// every statement without one.
func TestMigrationThatTakesTooLong(t *testing.T) {
	t.Parallel()
	d := openForMigration(t)
	d.steps = firstStep(t, d.steps)
	if err := d.MigrateUp(t.Context()); err != nil {
		t.Fatal(err)
	}
	broken := brokenSteps(t, d.steps)
	broken["0002_more.up.sql"] = &fstest.MapFile{Data: []byte("SELECT pg_sleep(60);")}
	d.steps = broken
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Second)
	defer cancel()
	go func() { // when the second step has begun
		sleeping := false
		for ctx.Err() == nil && !sleeping {
			_ = d.pool.QueryRow(ctx, "SELECT EXISTS (SELECT FROM pg_stat_activity WHERE datname = current_database() AND wait_event = 'PgSleep')").Scan(&sleeping)
			_ = pause(ctx, 20*time.Millisecond)
		}
		cancel()
	}()
	if err := d.MigrateUp(ctx); !errors.Is(err, store.ErrUnavailable) {
		t.Errorf("got %v", err)
	}
	wantStatus(t, d, store.MigrationStatus{Version: 2, Latest: 2, Dirty: true})
}

// TestMigrationLeavesNoLock looks for a lock of a session, which PgBouncer in transaction mode
// would leave on some server.
func TestMigrationLeavesNoLock(t *testing.T) {
	t.Parallel()
	d := openForMigration(t)
	broken := brokenSteps(t, d.steps)
	broken["0002_more.up.sql"] = &fstest.MapFile{Data: []byte(
		"CREATE TABLE held AS SELECT count(*) AS locks FROM pg_locks WHERE locktype = 'advisory' AND database = (SELECT oid FROM pg_database WHERE datname = current_database());")}
	d.steps = broken
	if err := d.MigrateUp(t.Context()); err != nil {
		t.Fatal(err)
	}
	var locks int
	if err := d.pool.QueryRow(t.Context(), "SELECT locks FROM held").Scan(&locks); err != nil {
		t.Fatal(err)
	}
	if locks != 1 {
		t.Errorf("%d advisory locks were held during the migration, want the one of our transaction", locks)
	}
}
