package sqlite

import (
	"context"
	"database/sql"
	"fmt"
	"strconv"

	"authserver/internal/store"
)

// Revoke records a revocation, or extends the one with its Kind and Value.
func (d *DB) Revoke(ctx context.Context, v store.Void) error {
	return d.change(ctx, "record a revocation", func(ctx context.Context, tx *transaction) error { return revoke(ctx, tx, v) })
}

// revoke replaces a row that it extends, so that the row gets the next id and every reader reads it
// again. The zero Void revokes nothing.
func revoke(ctx context.Context, tx *transaction, v store.Void) error {
	if v.IsZero() {
		return nil
	}
	_, err := tx.exec(ctx, `INSERT OR REPLACE INTO revocations (kind, value, voids_before, expires_at, reason)
		SELECT ?1, ?2, max(?3, coalesce(old.voids_before, ?3)), max(new.until, coalesce(old.expires_at, new.until)), ?6
		FROM (SELECT coalesce(max(?4, expired.after), ?4, expired.after) AS until FROM (
				SELECT ?5 + coalesce(max(max_token_ttl_us) + 2 * max(clock_skew_us), 0) AS after FROM lifetimes
			) expired) new
		LEFT JOIN revocations old ON old.kind = ?1 AND old.value = ?2
		WHERE old.id IS NULL OR ?3 > old.voids_before OR new.until > old.expires_at`,
		string(v.Kind), v.Value, micros(v.Before), micros(v.Until), micros(v.IssuedUntil), v.Reason)
	return err
}

// revokeDeleted records the revocation for a deleted row: every token that was issued under its
// NotBefore, whatever the caller had read of it.
func revokeDeleted(ctx context.Context, tx *transaction, v store.Void, deleted *sql.Row) (store.Void, error) {
	var notBefore store.Moment
	if err := deleted.Scan(moment{&notBefore}); err != nil {
		return v, err
	}
	v.Before = store.LaterNotBefore(v.Before, notBefore)
	return v, revoke(ctx, tx, v)
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
