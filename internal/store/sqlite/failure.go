package sqlite

import (
	"context"

	"authserver/internal/events"
	"authserver/internal/store"
)

const selectFailures = "SELECT f.account, f.origin, f.at, f.clear_at FROM failed_attempts f"

func failureColumns(f *store.Failures) []any {
	return []any{hash{&f.Account}, &f.Origin, moment{&f.At}, moment{&f.ClearAt}}
}

// CountFailures adds a failure to each of the counters.
func (d *DB) CountFailures(ctx context.Context, now store.Moment, failed []store.Failure) ([]store.Failures, error) {
	counted := make([]store.Failures, len(failed))
	err := d.change(ctx, "count failed attempts", func(ctx context.Context, tx *transaction) error {
		for i, f := range failed {
			err := tx.row(ctx, `INSERT INTO failed_attempts AS f (account, origin, at, clear_at) VALUES (?1, ?2, ?3, ?3 + min(?4, ?5))
				ON CONFLICT (account, origin) DO UPDATE SET at = max(f.at, ?3), clear_at = min(max(f.clear_at, ?3) + ?4, ?3 + ?5)
				RETURNING account, origin, at, clear_at`,
				f.Account[:], f.Origin, micros(now), f.Adds.Microseconds(), f.Max.Microseconds()).Scan(failureColumns(&counted[i])...)
			if err != nil {
				return err
			}
		}
		return nil
	})
	return counted, err
}

// Failures returns the counters of the keys that have one.
func (d *DB) Failures(ctx context.Context, keys []store.FailureKey) ([]store.Failures, error) {
	var found []store.Failures
	for _, k := range keys {
		rows, err := all(ctx, d, "read failed attempts", failureColumns, selectFailures+" WHERE f.account = ? AND f.origin = ?", k.Account[:], k.Origin)
		if err != nil {
			return nil, err
		}
		found = append(found, rows...)
	}
	return found, nil
}

// FailuresSince returns the counters with a failure since, the newest first.
func (d *DB) FailuresSince(ctx context.Context, since store.Moment, limit int) ([]store.Failures, error) {
	return all(ctx, d, "read failed attempts", failureColumns, selectFailures+" WHERE f.at >= ? ORDER BY f.at DESC LIMIT ?", micros(since), limit)
}

// ClearFailures removes the counters of a key.
func (d *DB) ClearFailures(ctx context.Context, key store.FailureKey) error {
	return d.change(ctx, "forget failed attempts", func(ctx context.Context, tx *transaction) error {
		_, err := tx.exec(ctx, "DELETE FROM failed_attempts WHERE account = ? AND origin = ?", key.Account[:], key.Origin)
		return err
	})
}

// Unlock removes the counters of a user, and records that.
func (d *DB) Unlock(ctx context.Context, userID, username string, by store.Change) error {
	return d.changeBy(ctx, "unlock a user", by, func(ctx context.Context, tx *transaction) (store.Event, error) {
		account := store.LoginAccount(username)
		_, err := tx.exec(ctx, "DELETE FROM failed_attempts WHERE account = ?", account[:])
		return events.Unlock(by, userID, username), err
	})
}
