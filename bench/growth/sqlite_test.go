package growth

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"

	_ "modernc.org/sqlite"

	"authserver/internal/store/sqlite"
)

func openSQLite(tb testing.TB, ctx context.Context, rows int) *database {
	tb.Helper()
	path := filepath.Join(tb.TempDir(), "growth.db")
	s, err := sqlite.Open(ctx, sqlite.Options{Path: path})
	ok(tb, err)
	tb.Cleanup(s.Close)
	d := &database{engine: "SQLite", rows: rows, Store: s}
	d.fill = func(ctx context.Context, now time.Time) error { return fillSQLite(ctx, path, rows, now) }
	d.about = func(context.Context) (string, error) { return "SQLite, synchronous FULL", nil }
	d.parts = func(ctx context.Context) ([]part, error) { return sqliteParts(ctx, path) }
	return d
}

// The number of rows of one statement, and of statements of one transaction.
const (
	insertRows  = 50
	insertBatch = 20_000 // each transaction rewrites most pages of an index in random order
)

// fillSQLite inserts many rows per statement into the unchanged schema, with indexes, checks and
// triggers, without waiting for the disk.
func fillSQLite(ctx context.Context, path string, rows int, now time.Time) (err error) {
	db, err := sql.Open("sqlite", "file:"+path+"?_pragma=synchronous(0)&_pragma=cache_size(-8000000)")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	db.SetMaxOpenConns(1)
	for _, table := range []string{
		`users (id, username, email, password_hash, document, disabled, not_before, version, created_at, updated_at)`,
		`refresh_families (id, client_id, user_id, scope, resources, generation, created_at, client_not_before, user_not_before,
			rotated_at, idle_expires_at, expires_at, sweep_at)`,
		`revocations (kind, value, voids_before, expires_at, reason)`,
	} {
		for from := 0; from < rows; from += insertRows * insertBatch {
			if err := insertSome(ctx, db, table, from, min(from+insertRows*insertBatch, rows), now); err != nil {
				return fmt.Errorf("fill SQLite: %w", err)
			}
		}
	}
	_, err = db.ExecContext(ctx, "PRAGMA wal_checkpoint(TRUNCATE)")
	return err
}

func insertSome(ctx context.Context, db *sql.DB, table string, from, to int, now time.Time) error {
	tx, err := db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer tx.Rollback()
	marks := "(?" + strings.Repeat(", ?", strings.Count(table, ",")) + ")"
	for ; from < to; from += insertRows {
		n := min(insertRows, to-from)
		var values []any
		for i := range n {
			values = append(values, sqliteRow(table, from+i, now)...)
		}
		statement := "INSERT INTO " + table + " VALUES " + marks + strings.Repeat(", "+marks, n-1)
		if _, err := tx.ExecContext(ctx, statement, values...); err != nil {
			return err
		}
	}
	return tx.Commit()
}

func sqliteRow(table string, i int, now time.Time) []any {
	name, _, _ := strings.Cut(table, " ")
	switch name {
	case "users":
		u := user(i, now)
		return []any{u.ID, u.Username, u.Email, u.PasswordHash, `{"roles":["reader"]}`, 0,
			u.NotBefore.UnixMicro(), u.Version, u.CreatedAt.UnixMicro(), u.UpdatedAt.UnixMicro()}
	case "refresh_families":
		f := family(i, now)
		return []any{f.ID[:], f.ClientID, f.UserID, `["read","write"]`, `["https://api.example.com"]`, f.Generation,
			f.CreatedAt.UnixMicro(), f.ClientNotBefore.UnixMicro(), f.UserNotBefore.UnixMicro(),
			f.RotatedAt.UnixMicro(), f.IdleExpiresAt.UnixMicro(), f.ExpiresAt.UnixMicro(), f.IdleExpiresAt.UnixMicro()}
	default:
		r := revocation(i, now)
		return []any{string(r.Kind), r.Value, r.Before.UnixMicro(), r.ExpiresAt.UnixMicro(), r.Reason}
	}
}

func sqliteParts(ctx context.Context, path string) (parts []part, err error) {
	db, err := sql.Open("sqlite", "file:"+path)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	rows, err := db.QueryContext(ctx, `SELECT m.tbl_name, m.name, s.pgsize FROM sqlite_schema m JOIN dbstat s ON s.name = m.name AND s.aggregate = 1
		WHERE m.tbl_name IN ('users', 'refresh_families', 'revocations') ORDER BY m.tbl_name, m.type DESC, m.name`)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var p part
		if err := rows.Scan(&p.table, &p.name, &p.bytes); err != nil {
			return nil, err
		}
		parts = append(parts, p)
	}
	return parts, rows.Err()
}
