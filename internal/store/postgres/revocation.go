package postgres

import (
	"context"
	"encoding/json"
	"fmt"
	"strconv"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"

	"authserver/internal/store"
)

// grow is the end of every INSERT INTO revocations AS r: it extends an existing row, which readers
// then read again as written by this transaction.
const grow = ` ON CONFLICT (kind, value) DO UPDATE SET
		voids_before = greatest(r.voids_before, excluded.voids_before),
		expires_at = greatest(r.expires_at, excluded.expires_at),
		reason = excluded.reason,
		xid = excluded.xid
	WHERE excluded.voids_before > r.voids_before OR excluded.expires_at > r.expires_at`

const insertRevocation = `INSERT INTO revocations AS r (kind, value, voids_before, expires_at, reason, xid)
	VALUES ($1, $2, $3, greatest($4::timestamptz, authserver_expired_after($5)), $6, pg_current_xact_id())` + grow

// voidValues are the parameters 1 to 6 of insertRevocation.
func voidValues(v store.Void) []any {
	return []any{string(v.Kind), v.Value, orNever(v.Before), orNever(v.Until), orNever(v.IssuedUntil), v.Reason}
}

// Revoke records a revocation, or extends the one with its Kind and Value.
func (d *DB) Revoke(ctx context.Context, v store.Void) error {
	_, err := d.execTogether(ctx, "record a revocation", revocationLock(v.Kind, v.Value), insertRevocation, voidValues(v)...)
	return err
}

func revocationLock(kind store.RevocationKind, value string) string {
	return "revocation " + string(kind) + " " + value
}

// revoke records a revocation. The zero Void revokes nothing.
func revoke(ctx context.Context, tx pgx.Tx, v store.Void) error {
	if v.IsZero() {
		return nil
	}
	_, err := tx.Exec(ctx, insertRevocation, voidValues(v)...)
	return err
}

// revokeDeleted records the revocation for a deleted row: every token that was issued under its
// NotBefore, whatever the caller had read of it.
func revokeDeleted(ctx context.Context, tx pgx.Tx, v store.Void, deleted pgx.Row) (store.Void, error) {
	var notBefore store.Moment
	if err := deleted.Scan(moment{&notBefore}); err != nil {
		return v, err
	}
	v.Before = store.LaterNotBefore(v.Before, notBefore)
	return v, revoke(ctx, tx, v)
}

// position is the content of a cursor. Transactions commit in another order than that of their
// numbers, so a number alone would miss one that commits late. A reader reads all rows that are not
// visible in the snapshot Seen, in pages, and then uses the snapshot of the first page as the new
// Seen: rows that were not visible in it come in the next round.
type position struct {
	Seen  string `json:"seen,omitempty"`  // every row that this snapshot shows was returned
	Round string `json:"round,omitempty"` // the snapshot of the first page of a round under way
	XID   string `json:"xid,omitempty"`   // the last row that was returned in it
	ID    int64  `json:"id,omitempty"`
}

// beginning is the position of the zero cursor; its snapshot shows nothing.
func beginning() position { return position{Seen: "1:1:", XID: "0"} }

// The comparison with xmin lets the index begin where new rows may be. There is always a row, with
// the id 0 if there is no revocation.
const selectRevocations = `WITH s AS MATERIALIZED (SELECT now::text AS now, pg_snapshot_xmax(seen) > pg_snapshot_xmax(now) AS lost, seen
		FROM (SELECT pg_current_snapshot() AS now, $1::text::pg_snapshot AS seen) s)
	SELECT s.now, s.lost, coalesce(r.xid, '0'), coalesce(r.id, 0), coalesce(r.kind, ''), coalesce(r.value, ''),
		r.voids_before, r.expires_at, coalesce(r.reason, '')
	FROM s LEFT JOIN LATERAL (
		SELECT * FROM revocations r
		WHERE r.xid >= pg_snapshot_xmin(s.seen) AND NOT pg_visible_in_snapshot(r.xid, s.seen)
			AND (r.xid, r.id) > ($2::text::xid8, $3) AND r.expires_at > $4
		ORDER BY r.xid, r.id LIMIT $5
	) r ON true`

// RevocationsAfter returns at most limit revocations after the cursor.
func (d *DB) RevocationsAfter(ctx context.Context, after store.Cursor, now store.Moment, limit int) ([]store.Revocation, store.Cursor, error) {
	const doing = "read revocations"
	from := beginning()
	if after != "" {
		if err := json.Unmarshal([]byte(after), &from); err != nil {
			return nil, after, fmt.Errorf("%s: the cursor is not of this database: %w", doing, err)
		}
	}
	var got revocationPage
	err := d.do(ctx, doing, func(ctx context.Context) (err error) {
		got, err = d.readRevocations(ctx, from, now, limit)
		if err == nil && got.fromFuture {
			// The snapshot is from a primary that was lost with its last transactions. Their
			// numbers are used again, so the reader begins anew.
			got, err = d.readRevocations(ctx, beginning(), now, limit)
		}
		return err
	})
	if err != nil {
		return nil, after, err
	}
	if len(got.list) < limit { // the round is over
		got.next = position{Seen: got.next.Round, XID: "0"}
	}
	cursor, err := json.Marshal(got.next)
	if err != nil {
		return nil, after, fmt.Errorf("%s: %w", doing, err)
	}
	return got.list, store.Cursor(cursor), nil
}

type revocationPage struct {
	list       []store.Revocation
	next       position
	fromFuture bool // the position has transactions that this server does not know yet
}

func (d *DB) readRevocations(ctx context.Context, from position, now store.Moment, limit int) (revocationPage, error) {
	page := revocationPage{next: from}
	rows, err := d.pool.Query(ctx, selectRevocations, from.Seen, from.XID, from.ID, orNever(now), limit)
	if err != nil {
		return page, err
	}
	defer rows.Close()
	var snapshot pgtype.DriverBytes // in each row, and read from one
	var xid uint64
	for rows.Next() {
		var id int64
		var r store.Revocation
		err := rows.Scan(&snapshot, &page.fromFuture, &xid, &id, &r.Kind, &r.Value, moment{&r.Before}, moment{&r.ExpiresAt}, &r.Reason)
		if err != nil {
			return page, err
		}
		if page.next.Round == "" {
			page.next.Round = string(snapshot)
		}
		if id == 0 {
			continue
		}
		page.next.ID = id
		page.list = append(page.list, r)
	}
	if len(page.list) > 0 {
		page.next.XID = strconv.FormatUint(xid, 10)
	}
	return page, rows.Err()
}
