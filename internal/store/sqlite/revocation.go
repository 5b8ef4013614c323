package sqlite

import (
	"context"
	"fmt"
	"strconv"

	"authserver/internal/store"
)

// Revoke records a revocation, or lets the one with its Kind and Value grow.
func (d *DB) Revoke(ctx context.Context, r store.Revocation) error {
	return d.change(ctx, "record a revocation", func(ctx context.Context, tx *transaction) error { return revoke(ctx, tx, r) })
}

// revoke replaces the row where it grows, so that it gets the next id and every
// reader comes upon it again.
func revoke(ctx context.Context, tx *transaction, r store.Revocation) error {
	_, err := tx.exec(ctx, `INSERT OR REPLACE INTO revocations (kind, value, voids_before, expires_at, reason)
		SELECT ?1, ?2, max(?3, coalesce(old.voids_before, ?3)), max(?4, coalesce(old.expires_at, ?4)), ?5
		FROM (SELECT 1) LEFT JOIN revocations old ON old.kind = ?1 AND old.value = ?2
		WHERE old.id IS NULL OR ?3 > old.voids_before OR ?4 > old.expires_at`,
		string(r.Kind), r.Value, micros(r.Before), micros(r.ExpiresAt), r.Reason)
	return err
}

type numbered struct {
	store.Revocation
	id int64
}

func numberedColumns(n *numbered) []any {
	return []any{&n.id, &n.Kind, &n.Value, moment{&n.Before}, moment{&n.ExpiresAt}, &n.Reason}
}

// RevocationsAfter returns at most limit revocations after the cursor. A cursor
// is the id of the last row that was read.
func (d *DB) RevocationsAfter(ctx context.Context, after store.Cursor, now store.Moment, limit int) ([]store.Revocation, store.Cursor, error) {
	const doing = "read revocations"
	var id int64
	if after != "" {
		var err error
		if id, err = strconv.ParseInt(string(after), 10, 64); err != nil {
			return nil, after, fmt.Errorf("%s: the cursor is not of this database: %w", doing, err)
		}
	}
	rows, err := all(ctx, d, doing, numberedColumns, `SELECT id, kind, value, voids_before, expires_at, reason
		FROM revocations WHERE id > ? AND expires_at > ? ORDER BY id LIMIT ?`, id, micros(now), limit)
	if err != nil {
		return nil, after, err
	}
	list := make([]store.Revocation, len(rows))
	for i, row := range rows {
		list[i], id = row.Revocation, row.id
	}
	return list, store.Cursor(strconv.FormatInt(id, 10)), nil
}
