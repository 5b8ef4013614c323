package postgres

import (
	"context"

	"github.com/jackc/pgx/v5"

	"authserver/internal/events"
	"authserver/internal/store"
)

const failureColumnNames = "f.account, f.origin, f.at, f.clear_at"

func failureColumns(f *store.Failures) []any {
	return []any{hash{&f.Account}, &f.Origin, moment{&f.At}, moment{&f.ClearAt}}
}

// CountFailures adds a failure to each of the counters, in a fixed order, so that two calls never
// wait for each other.
func (d *DB) CountFailures(ctx context.Context, now store.Moment, failed []store.Failure) ([]store.Failures, error) {
	accounts, origins, adds, most := make([][]byte, len(failed)), make([]string, len(failed)), make([]int64, len(failed)), make([]int64, len(failed))
	for i, f := range failed {
		accounts[i], origins[i], adds[i], most[i] = f.Account[:], f.Origin, f.Adds.Microseconds(), f.Max.Microseconds()
	}
	return all(ctx, d, "count failed attempts", failureColumns, `WITH failed AS MATERIALIZED (
			SELECT w.account, w.origin, w.adds * interval '1 microsecond' AS adds, w.most * interval '1 microsecond' AS most
			FROM unnest($2::bytea[], $3::text[], $4::bigint[], $5::bigint[]) AS w (account, origin, adds, most)
		)
		INSERT INTO failed_attempts AS f (account, origin, at, clear_at)
		SELECT account, origin, $1::timestamptz, $1::timestamptz + least(adds, most) FROM failed ORDER BY account, origin
		ON CONFLICT (account, origin) DO UPDATE SET at = greatest(f.at, excluded.at),
			clear_at = (SELECT least(greatest(f.clear_at, excluded.at) + w.adds, excluded.at + w.most)
				FROM failed w WHERE w.account = excluded.account AND w.origin = excluded.origin)
		RETURNING `+failureColumnNames, orNever(now), accounts, origins, adds, most)
}

// Failures returns the counters of the keys that have one.
func (d *DB) Failures(ctx context.Context, keys []store.FailureKey) ([]store.Failures, error) {
	accounts, origins := make([][]byte, len(keys)), make([]string, len(keys))
	for i, k := range keys {
		accounts[i], origins[i] = k.Account[:], k.Origin
	}
	return all(ctx, d, "read failed attempts", failureColumns, "SELECT "+failureColumnNames+` FROM failed_attempts f
		JOIN unnest($1::bytea[], $2::text[]) AS w (account, origin) ON f.account = w.account AND f.origin = w.origin COLLATE "C"`, accounts, origins)
}

// FailuresSince returns the counters with a failure since, the newest first.
func (d *DB) FailuresSince(ctx context.Context, since store.Moment, limit int) ([]store.Failures, error) {
	return all(ctx, d, "read failed attempts", failureColumns,
		"SELECT "+failureColumnNames+" FROM failed_attempts f WHERE f.at >= $1 ORDER BY f.at DESC LIMIT $2", orNever(since), limit)
}

// ClearFailures removes the counters of a key.
func (d *DB) ClearFailures(ctx context.Context, key store.FailureKey) error {
	return d.exec(ctx, "forget failed attempts", "DELETE FROM failed_attempts WHERE account = $1 AND origin = $2", key.Account[:], key.Origin)
}

// Unlock removes the counters of a user, and records that.
func (d *DB) Unlock(ctx context.Context, userID, username string, by store.Change) error {
	return d.changeBy(ctx, "unlock a user", by, func(ctx context.Context, tx pgx.Tx) (store.Event, error) {
		account := store.LoginAccount(username)
		_, err := tx.Exec(ctx, "DELETE FROM failed_attempts WHERE account = $1", account[:])
		return events.Unlock(by, userID, username), err
	})
}
