package blackbox

import (
	"database/sql"
	"fmt"
	"strings"
	"testing"

	_ "github.com/jackc/pgx/v5/stdlib" // the driver pgx

	"authserver/test/harness"
)

// openDatabase opens the database of a deployment without the server.
func openDatabase(t *testing.T, d *harness.Deployment) *sql.DB {
	t.Helper()
	driver, source := "pgx", d.DatabaseURL()
	if path, ok := strings.CutPrefix(source, "sqlite:"); ok {
		// A transaction that reads first and finds that the server wrote meanwhile could not wait,
		// because its reading would be old.
		driver, source = "sqlite", "file:"+path+"?_txlock=immediate&_pragma=busy_timeout(10000)"
	}
	db, err := sql.Open(driver, source)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	return db
}

// bytesLiteral writes bytes in the SQL of an engine.
func bytesLiteral(engine string, value []byte) string {
	if engine == "postgres" {
		return fmt.Sprintf(`'\x%x'::bytea`, value)
	}
	return fmt.Sprintf("x'%x'", value)
}

// swap exchanges the sealed values of two rows of a table.
func swap(t *testing.T, d *harness.Deployment, table, column, key, one, other string) {
	t.Helper()
	db := openDatabase(t, d)
	tx, err := db.BeginTx(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = tx.Rollback() }() // after the commit it does nothing
	read := func(row string) []byte {
		var sealed []byte
		query := fmt.Sprintf("SELECT %s FROM %s WHERE %s = '%s'", column, table, key, row)
		if err := tx.QueryRowContext(t.Context(), query).Scan(&sealed); err != nil {
			t.Fatalf("%s: %v", query, err)
		}
		return sealed
	}
	ofOne, ofOther := read(one), read(other)
	for row, sealed := range map[string][]byte{one: ofOther, other: ofOne} {
		statement := fmt.Sprintf("UPDATE %s SET %s = %s WHERE %s = '%s'", table, column, bytesLiteral(d.Engine, sealed), key, row)
		if _, err := tx.ExecContext(t.Context(), statement); err != nil {
			t.Fatal(err)
		}
	}
	if err := tx.Commit(); err != nil {
		t.Fatal(err)
	}
}

// dropKeyNotifications removes the triggers that notify servers of changed keys.
func dropKeyNotifications(t *testing.T, d *harness.Deployment) {
	t.Helper()
	statements := []string{"DROP TRIGGER signing_keys_inserted", "DROP TRIGGER signing_keys_updated", "DROP TRIGGER signing_keys_deleted"}
	if d.Engine == "postgres" {
		statements = []string{"DROP TRIGGER notify ON signing_keys"}
	}
	db := openDatabase(t, d)
	for _, statement := range statements {
		if _, err := db.ExecContext(t.Context(), statement); err != nil {
			t.Fatalf("%s: %v", statement, err)
		}
	}
}
