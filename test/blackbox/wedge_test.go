package blackbox

import (
	"database/sql"
	"testing"

	_ "modernc.org/sqlite" // the driver of the same name
)

// wedge takes SQLite's write lock, as a backup or a stuck process would, and returns a function
// that releases it.
func wedge(t *testing.T, path string) (release func()) {
	t.Helper()
	db, err := sql.Open("sqlite", path+"?_pragma=busy_timeout(5000)") // the server writes at times by itself
	if err != nil {
		t.Fatal(err)
	}
	db.SetMaxOpenConns(1)
	if _, err := db.ExecContext(t.Context(), "BEGIN IMMEDIATE"); err != nil {
		t.Fatal(err)
	}
	return func() {
		if _, err := db.ExecContext(t.Context(), "ROLLBACK"); err != nil {
			t.Error(err)
		}
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	}
}
