package sqlite

import (
	"context"
	"errors"
	"io/fs"
	"path/filepath"
	"testing"
	"testing/fstest"
	"time"

	"authserver/internal/store"
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
	broken["0002_more.up.sql"] = &fstest.MapFile{Data: []byte("CREATE TABLE more (id INTEGER); INSERT INTO nowhere VALUES (1);")}
	broken["0002_more.down.sql"] = &fstest.MapFile{Data: []byte("DROP TABLE more;")}
	return broken
}

func openForMigration(t *testing.T) *DB {
	t.Helper()
	d, err := Open(t.Context(), Options{Path: filepath.Join(t.TempDir(), "a.db")})
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
	broken["0002_more.up.sql"] = &fstest.MapFile{Data: []byte("CREATE TABLE more (id INTEGER);")}
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
	d := openForMigration(t)
	unlock, err := lockFile(t.Context(), d.path+".lock")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
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
	unlock()
	if err := <-done; err != nil {
		t.Error(err)
	}
}
