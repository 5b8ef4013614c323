package sqlite

import (
	"cmp"
	"context"
	"time"

	"authserver/internal/store"
)

// sweepStep is the number of rows that are removed in one transaction, during which no other
// process can write.
const sweepStep = 100

// Sweep removes at most limit rows of each noun, in transactions of sweepStep.
func (d *DB) Sweep(ctx context.Context, before store.Moment, limit int) (removed int, err error) {
	for _, sweep := range []func(*DB, context.Context, store.Moment, int) (int64, error){
		(*DB).sweepFamilies,
		due{table: "sessions", key: "id", end: "sweep_at", and: "ended_at IS NOT NULL"}.sweep, // EndExpiredSessions ends the others
		due{table: "session_clients", key: "session_id, client_id", end: "expires_at", and: "NOT EXISTS (SELECT 1 FROM sessions s WHERE s.id = session_clients.session_id)"}.sweep,
		due{table: "deliveries", key: "id", end: "ended_at", keep: store.KeepDelivered}.sweep,
		due{table: "consents", key: "user_id, client_id", end: "until"}.sweep,
		due{table: "revocations", key: "id", end: "expires_at"}.sweep,
		due{table: "used_assertions", key: "issuer, id", end: "expires_at"}.sweep,
		due{table: "failed_attempts", key: "account, origin", end: "clear_at"}.sweep,
		(*DB).sweepClientless, (*DB).sweepClientlessConsents, (*DB).sweepSigningKeys, (*DB).sweepSecretKeys, (*DB).sweepLifetimes, (*DB).sweepDeletedClients,
	} {
		for left := limit; left > 0; {
			n, err := sweep(d, ctx, before, min(left, sweepStep))
			left -= int(n)
			removed += int(n)
			if err != nil {
				return removed, err
			}
			if n == 0 {
				break
			}
		}
	}
	return removed, nil
}

// sweepFamilies reads families whose sweep_at has passed. A family that was used since gets a later
// sweep_at; the others are removed. It continues until it has removed some or none is due. The
// clients of a live session are kept, because they get a logout token when it ends.
func (d *DB) sweepFamilies(ctx context.Context, before store.Moment, limit int) (removed int64, err error) {
	const (
		due  = "(SELECT id FROM refresh_families WHERE sweep_at < ?1 ORDER BY sweep_at LIMIT ?2)"
		gone = " WHERE id IN " + due + " AND (revoked_at IS NOT NULL OR idle_expires_at < ?1)"
	)
	for {
		var postponed int64
		err := d.change(ctx, "sweep families", func(ctx context.Context, tx *transaction) (err error) {
			_, err = tx.exec(ctx, `INSERT INTO session_clients (session_id, client_id, expires_at)
				SELECT s.id, f.client_id, s.expires_at FROM refresh_families f JOIN sessions s ON s.id = f.session_id
				WHERE s.ended_at IS NULL AND f.id IN (SELECT id FROM refresh_families`+gone+") ON CONFLICT DO NOTHING", micros(before), limit)
			if err != nil {
				return err
			}
			removed, err = tx.exec(ctx, "DELETE FROM refresh_families"+gone, micros(before), limit)
			if err != nil || removed > 0 {
				return err
			}
			postponed, err = tx.exec(ctx, "UPDATE refresh_families SET sweep_at = idle_expires_at WHERE id IN "+due+" AND revoked_at IS NULL AND idle_expires_at >= ?1",
				micros(before), limit)
			return err
		})
		if err != nil || removed > 0 || postponed == 0 {
			return removed, err
		}
	}
}

// due are the rows of a table whose end, and keep after it, has passed, and that meet the condition
// in and, if there is one. All words are constants, never input.
type due struct {
	table, key, end, and string
	keep                 time.Duration
}

func (r due) sweep(d *DB, ctx context.Context, before store.Moment, limit int) (int64, error) {
	return d.sweepRows(ctx, "sweep "+r.table, `DELETE FROM `+r.table+` WHERE (`+r.key+`) IN (
		SELECT `+r.key+` FROM `+r.table+` WHERE `+r.end+` < ? AND `+cmp.Or(r.and, "true")+`
		ORDER BY `+r.end+` LIMIT ?)`, micros(before.Add(-r.keep)), limit)
}

// The families and the consents of clients that were deleted, or created again since.
const (
	familyClientless = `f.client_id = d.client_id
		AND (f.client_not_before < d.deleted_at OR NOT EXISTS (SELECT 1 FROM clients k WHERE k.id = d.client_id))`
	consentClientless = `c.client_id = d.client_id
		AND NOT EXISTS (SELECT 1 FROM clients k WHERE k.id = c.client_id AND k.created_at = c.client_created_at)`
)

func (d *DB) sweepClientless(ctx context.Context, _ store.Moment, limit int) (int64, error) {
	return d.sweepRows(ctx, "sweep the families of deleted clients", `DELETE FROM refresh_families WHERE id IN (
		SELECT f.id FROM deleted_clients d JOIN refresh_families f ON `+familyClientless+` LIMIT ?)`, limit)
}

func (d *DB) sweepClientlessConsents(ctx context.Context, _ store.Moment, limit int) (int64, error) {
	return d.sweepRows(ctx, "sweep the consents of deleted clients", `DELETE FROM consents WHERE (user_id, client_id) IN (
		SELECT c.user_id, c.client_id FROM deleted_clients d JOIN consents c ON `+consentClientless+` LIMIT ?)`, limit)
}

// sweepDeletedClients removes the records of deleted clients that have neither. They do not count
// as removed.
func (d *DB) sweepDeletedClients(ctx context.Context, _ store.Moment, _ int) (int64, error) {
	_, err := d.sweepRows(ctx, "forget deleted clients", `DELETE FROM deleted_clients AS d
		WHERE NOT EXISTS (SELECT 1 FROM refresh_families f WHERE `+familyClientless+`)
			AND NOT EXISTS (SELECT 1 FROM consents c WHERE `+consentClientless+")")
	return 0, err
}

// sweepSigningKeys keeps removed keys for a day, so that token inspect can explain a token, revoked
// keys for ever, so that a leaked key is never imported again, and the newest key of each algorithm
// in any state, because a successor takes over from it.
func (d *DB) sweepSigningKeys(ctx context.Context, before store.Moment, limit int) (int64, error) {
	return d.sweepRows(ctx, "sweep signing keys", `DELETE FROM signing_keys WHERE kid IN (
		SELECT k.kid FROM signing_keys k WHERE k.removed_at < ? AND k.revoked_at IS NULL AND EXISTS (
			SELECT 1 FROM signing_keys newer
			WHERE newer.alg = k.alg AND (newer.active_at, newer.kid) > (k.active_at, k.kid))
		LIMIT ?)`, micros(before.Add(-store.KeepRemoved)), limit)
}

// sweepSecretKeys keeps the newest key of each purpose, because the ID of the next key follows it.
func (d *DB) sweepSecretKeys(ctx context.Context, before store.Moment, limit int) (int64, error) {
	return d.sweepRows(ctx, "sweep secret keys", `DELETE FROM secret_keys WHERE (purpose, id) IN (
		SELECT k.purpose, k.id FROM secret_keys k WHERE k.removed_at < ? AND EXISTS (
			SELECT 1 FROM secret_keys newer WHERE newer.purpose = k.purpose AND newer.id > k.id)
		LIMIT ?)`, micros(before), limit)
}

// sweepLifetimes removes a promise when its last token and its last cached key set have expired;
// twice that time covers caches that serve stale answers.
func (d *DB) sweepLifetimes(ctx context.Context, before store.Moment, limit int) (int64, error) {
	return d.sweepRows(ctx, "sweep lifetimes", `DELETE FROM lifetimes WHERE server IN (
		SELECT server FROM lifetimes WHERE kept_until + 2 * (jwks_max_age_us + max_token_ttl_us + clock_skew_us) < ? LIMIT ?)`, micros(before), limit)
}

func (d *DB) sweepRows(ctx context.Context, doing, statement string, args ...any) (removed int64, err error) {
	err = d.change(ctx, doing, func(ctx context.Context, tx *transaction) (err error) {
		removed, err = tx.exec(ctx, statement, args...)
		return err
	})
	return removed, err
}
