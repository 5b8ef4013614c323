package sqlite_test

import (
	"database/sql"
	"path/filepath"
	"testing"

	"authserver/internal/store/sqlite"
	"authserver/internal/store/storetest"
)

func TestDocumentsAreReadStrictly(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a.db")
	s := open(t, sqlite.Options{Path: path})
	if err := s.MigrateUp(t.Context()); err != nil {
		t.Fatal(err)
	}
	other, err := sql.Open("sqlite", "file:"+path+"?_pragma=busy_timeout(5000)")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = other.Close() })
	storetest.Documents(t, t.Context(), s, func(statement string) {
		if _, err := other.ExecContext(t.Context(), statement); err != nil {
			t.Fatal(err)
		}
	})
}
