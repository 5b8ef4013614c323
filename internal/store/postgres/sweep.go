package postgres

import (
	"cmp"
	"context"
	"time"

	"github.com/jackc/pgx/v5"

	"authserver/internal/store"
)

// The advisory locks of a sweep, and of ending sessions, which runs at the same time.
const (
	sweepLock = 0x61757468_73776570 // "authswep"
	endLock   = 0x61757468_656e6473 // "authends"
)

// Sweep removes at most limit rows of each noun, unless another replica sweeps. It skips locked
// rows, so it waits for no other transaction. Only a transaction that needs a row at the moment of
// its removal waits for the sweep. Families, which requests use, have a transaction of their own,
// so that this moment is short.
//
// It finds the rows by the index of their end, and removes them by their position (ctid). Neither
// reads rows that are not due, however many there are.
func (d *DB) Sweep(ctx context.Context, before store.Moment, limit int) (removed int, err error) {
	families, err := d.sweepFamilies(ctx, before, limit)
	if err != nil {
		return families, err
	}
	others, err := d.sweepOthers(ctx, before, limit)
	return families + others, err
}

// sweeping runs step in a transaction, unless another replica holds the lock.
func (d *DB) sweeping(ctx context.Context, lock int64, step func(context.Context, pgx.Tx) error) error {
	return d.change(ctx, "sweep", func(ctx context.Context, tx pgx.Tx) error {
		var mine bool
		if err := tx.QueryRow(ctx, "SELECT pg_try_advisory_xact_lock($1)", lock).Scan(&mine); err != nil || !mine {
			return err
		}
		return step(ctx, tx)
	})
}

// sweepFamilies reads families whose sweep_at has passed. A family that was rotated since gets a
// later sweep_at; the others are removed. It continues until it has removed some or none is due.
//
// Removed rows stay in the index until a vacuum, and a batch from the beginning of the index would
// have to skip all of them. So a batch begins where the one before ended. After the last batch it
// begins at the beginning again, for the families that were locked.
//
// The clients of a live session are kept, because they get a logout token when it ends.
func (d *DB) sweepFamilies(ctx context.Context, before store.Moment, limit int) (int, error) {
	for {
		var gone, postponed, due int
		var last store.Moment
		err := d.sweeping(ctx, sweepLock, func(ctx context.Context, tx pgx.Tx) error {
			return tx.QueryRow(ctx, `WITH due AS MATERIALIZED (
					SELECT id, sweep_at, session_id, client_id, revoked_at IS NOT NULL OR idle_expires_at < $1 AS over
					FROM refresh_families WHERE sweep_at < $1 AND sweep_at >= $3
					ORDER BY sweep_at LIMIT $2 FOR UPDATE SKIP LOCKED
				), told AS (
					INSERT INTO session_clients (session_id, client_id, expires_at)
					SELECT DISTINCT s.id, due.client_id, s.expires_at FROM due JOIN sessions s ON s.id = due.session_id
					WHERE due.over AND s.ended_at IS NULL ON CONFLICT DO NOTHING
				), gone AS (
					DELETE FROM refresh_families f USING due WHERE f.id = due.id AND due.over RETURNING f.id
				), postponed AS (
					UPDATE refresh_families f SET sweep_at = f.idle_expires_at FROM due WHERE f.id = due.id AND NOT due.over RETURNING f.id
				)
				SELECT (SELECT count(*) FROM gone), (SELECT count(*) FROM postponed), count(*), max(sweep_at) FROM due`,
				orNever(before), limit, time.UnixMicro(d.sweptTo.Load())).Scan(&gone, &postponed, &due, moment{&last})
		})
		if err == nil && due == limit {
			d.sweptTo.Store(last.UnixMicro())
		} else {
			d.sweptTo.Store(0)
		}
		if err != nil || gone > 0 || postponed == 0 {
			return gone, err
		}
	}
}

func (d *DB) sweepOthers(ctx context.Context, before store.Moment, limit int) (removed int, err error) {
	err = d.sweeping(ctx, sweepLock, func(ctx context.Context, tx pgx.Tx) error {
		removed = 0
		for _, sweep := range []func(context.Context, pgx.Tx, store.Moment, int) (int64, error){
			due{table: "sessions", end: "sweep_at", and: "ended_at IS NOT NULL"}.sweep, // EndExpiredSessions ends the others
			due{table: "session_clients", end: "expires_at", and: "NOT EXISTS (SELECT FROM sessions s WHERE s.id = session_clients.session_id)"}.sweep,
			due{table: "deliveries", end: "ended_at", keep: store.KeepDelivered}.sweep,
			due{table: "consents", end: "until"}.sweep,
			due{table: "revocations", end: "expires_at"}.sweep,
			due{table: "used_assertions", end: "expires_at"}.sweep,
			due{table: "failed_attempts", end: "clear_at"}.sweep,
			sweepClientless, sweepSigningKeys, sweepSecretKeys, sweepLifetimes,
		} {
			gone, err := sweep(ctx, tx, before, limit)
			if err != nil {
				return err
			}
			removed += int(gone)
		}
		return nil
	})
	return removed, err
}

// due are the rows of a table whose end, and keep after it, has passed, and that meet the condition
// in and, if there is one. All words are constants, never input.
type due struct {
	table, end, and string
	keep            time.Duration
}

func (r due) sweep(ctx context.Context, tx pgx.Tx, before store.Moment, limit int) (int64, error) {
	gone, err := tx.Exec(ctx, `DELETE FROM `+r.table+` WHERE ctid = ANY (ARRAY(
		SELECT ctid FROM `+r.table+` WHERE `+r.end+` < $1 AND `+cmp.Or(r.and, "true")+`
		ORDER BY `+r.end+` LIMIT $2 FOR UPDATE SKIP LOCKED))`, orNever(before.Add(-r.keep)), limit)
	return gone.RowsAffected(), err
}

// sweepClientless removes the families and the consents of clients that were deleted, or created
// again since, and then the records of deleted clients that have none left.
func sweepClientless(ctx context.Context, tx pgx.Tx, _ store.Moment, limit int) (int64, error) {
	const until = `CASE WHEN EXISTS (SELECT FROM clients c WHERE c.id = d.client_id) THEN d.deleted_at ELSE 'infinity' END`
	families, err := tx.Exec(ctx, `DELETE FROM refresh_families WHERE id IN (
			SELECT f.id FROM deleted_clients d CROSS JOIN LATERAL (
				SELECT f.id FROM refresh_families f WHERE f.client_id = d.client_id AND f.client_not_before < `+until+`
				LIMIT $1 FOR UPDATE SKIP LOCKED
			) f LIMIT $1)`, limit)
	if err != nil || families.RowsAffected() == int64(limit) {
		return families.RowsAffected(), err
	}
	const another = `NOT EXISTS (SELECT FROM clients k WHERE k.id = c.client_id AND k.created_at = c.client_created_at)`
	consents, err := tx.Exec(ctx, `DELETE FROM consents WHERE (user_id, client_id) IN (
			SELECT c.user_id, c.client_id FROM deleted_clients d CROSS JOIN LATERAL (
				SELECT c.user_id, c.client_id FROM consents c WHERE c.client_id = d.client_id AND `+another+`
				LIMIT $1 FOR UPDATE SKIP LOCKED
			) c LIMIT $1)`, limit)
	gone := families.RowsAffected() + consents.RowsAffected()
	if err != nil || consents.RowsAffected() == int64(limit) {
		return gone, err
	}
	_, err = tx.Exec(ctx, `DELETE FROM deleted_clients d WHERE NOT EXISTS (
			SELECT FROM refresh_families f WHERE f.client_id = d.client_id AND f.client_not_before < `+until+`
		) AND NOT EXISTS (SELECT FROM consents c WHERE c.client_id = d.client_id AND `+another+`)`)
	return gone, err
}

// sweepSigningKeys keeps removed keys for a day, so that token inspect can explain a token, revoked
// keys for ever, so that a leaked key is never imported again, and the newest key of each algorithm
// in any state, because a successor takes over from it.
func sweepSigningKeys(ctx context.Context, tx pgx.Tx, before store.Moment, limit int) (int64, error) {
	gone, err := tx.Exec(ctx, `DELETE FROM signing_keys WHERE kid IN (
		SELECT k.kid FROM signing_keys k WHERE k.removed_at < $1 AND k.revoked_at IS NULL AND EXISTS (
			SELECT FROM signing_keys newer WHERE newer.alg = k.alg AND (newer.active_at, newer.kid) > (k.active_at, k.kid))
		LIMIT $2 FOR UPDATE OF k SKIP LOCKED)`, orNever(before.Add(-store.KeepRemoved)), limit)
	return gone.RowsAffected(), err
}

// sweepSecretKeys keeps the newest key of each purpose, because the ID of the next key follows it.
func sweepSecretKeys(ctx context.Context, tx pgx.Tx, before store.Moment, limit int) (int64, error) {
	gone, err := tx.Exec(ctx, `DELETE FROM secret_keys WHERE (purpose, id) IN (
		SELECT k.purpose, k.id FROM secret_keys k WHERE k.removed_at < $1 AND EXISTS (
			SELECT FROM secret_keys newer WHERE newer.purpose = k.purpose AND newer.id > k.id)
		LIMIT $2 FOR UPDATE OF k SKIP LOCKED)`, orNever(before), limit)
	return gone.RowsAffected(), err
}

// sweepLifetimes removes a promise when its last token and its last cached key set have expired;
// twice that time covers caches that serve stale answers.
func sweepLifetimes(ctx context.Context, tx pgx.Tx, before store.Moment, limit int) (int64, error) {
	gone, err := tx.Exec(ctx, `DELETE FROM lifetimes WHERE server IN (
		SELECT server FROM lifetimes
		WHERE kept_until + 2 * (jwks_max_age_us + max_token_ttl_us + clock_skew_us) * interval '1 microsecond' < $1
		LIMIT $2 FOR UPDATE SKIP LOCKED)`, orNever(before), limit)
	return gone.RowsAffected(), err
}
