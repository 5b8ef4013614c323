// Package sqlitetest gives tests migrated SQLite databases: the migrations run once for each
// program of tests, and each test works on a copy of the file.
package sqlitetest

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"authserver/internal/store/sqlite"
)

// Open opens a migrated database without rows, which is closed and removed when the test ends.
func Open(t testing.TB) *sqlite.DB {
	t.Helper()
	path := filepath.Join(t.TempDir(), "test.db")
	Write(t, path)
	db, err := sqlite.Open(t.Context(), sqlite.Options{Path: path})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(db.Close)
	return db
}

// Write writes a migrated database without rows to the path, for a test that opens it itself.
func Write(t testing.TB, path string) {
	t.Helper()
	migrated, err := migrated()
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, migrated, 0o600); err != nil {
		t.Fatal(err)
	}
}

// migrated is the content of a migrated database.
var migrated = sync.OnceValues(func() (_ []byte, err error) {
	ctx := context.Background()
	dir, err := os.MkdirTemp("", "sqlitetest")
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	path := filepath.Join(dir, "migrated.db")
	db, err := sqlite.Open(ctx, sqlite.Options{Path: path})
	if err != nil {
		return nil, err
	}
	err = db.MigrateUp(ctx)
	db.Close()
	if err != nil {
		return nil, err
	}
	return os.ReadFile(path)
})
