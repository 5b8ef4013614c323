package postgres

import (
	"context"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"

	"authserver/internal/events"
	"authserver/internal/store"
)

// The alias is s.
const sessionColumnNames = `s.id, s.secret, s.user_id, s.user_not_before, s.methods, s.device, s.address, s.created_at, s.seen_at,
	s.idle_expires_at, s.expires_at, s.ended_at, s.ended_reason`

const selectSessions = "SELECT " + sessionColumnNames + " FROM sessions s"

func sessionColumns(s *store.Session) []any {
	return []any{
		sessionID{&s.ID}, hash{&s.Secret}, &s.UserID, moment{&s.UserNotBefore}, document[[]store.SessionMethod]{&s.Methods}, &s.Device, &s.Address,
		moment{&s.CreatedAt}, moment{&s.SeenAt}, moment{&s.IdleExpiresAt}, moment{&s.ExpiresAt}, moment{&s.EndedAt}, text{&s.EndedReason},
	}
}

// sessionValues are the parameters 1 to 10 of an insert or update.
func sessionValues(s store.Session) []any {
	return []any{
		s.ID[:], s.Secret[:], s.UserID, orNever(s.UserNotBefore), elements(s.Methods), s.Device, s.Address, orNever(s.SeenAt),
		orNever(s.IdleExpiresAt), orNever(s.ExpiresAt),
	}
}

// CreateSession adds a session: ErrNotFound if the user was deleted, ErrExists if the ID or the
// secret is taken.
func (d *DB) CreateSession(ctx context.Context, s store.Session, by store.Change) error {
	return d.changeBy(ctx, "create a session", by, func(ctx context.Context, tx pgx.Tx) (store.Event, error) {
		_, err := tx.Exec(ctx, `INSERT INTO sessions (id, secret, user_id, user_not_before, methods, device, address, seen_at,
				idle_expires_at, expires_at, sweep_at, created_at)
			VALUES ($1, $2, $3, $4, $5::jsonb, $6, $7, $8, least($9::timestamptz, $10), $10, least($9, $10), $11)`,
			append(sessionValues(s), orNever(s.CreatedAt))...)
		return events.Session(by, s.ID, s.UserID), err
	})
}

// SessionBySecret returns a session, its user and a consent of theirs, or ErrNotFound. A consent
// counts only for the present client of this name.
func (d *DB) SessionBySecret(ctx context.Context, secret [32]byte, clientID string) (store.SignedIn, error) {
	type row struct {
		store.SignedIn
		consent store.Consent
	}
	columns := func(r *row) []any {
		return slices.Concat(sessionColumns(&r.Session), userColumns(&r.User), consentColumns(&r.consent))
	}
	found, err := one(ctx, d, "read a session", columns, `SELECT `+sessionColumnNames+`, `+userColumnNames+`,
			s.user_id, coalesce(k.id, ''), c.scopes, c.granted_at, c.until
		FROM sessions s JOIN users u ON u.id = s.user_id
			LEFT JOIN consents c ON c.user_id = s.user_id AND c.client_id = $2
			LEFT JOIN clients k ON k.id = c.client_id AND k.created_at = c.client_created_at
		WHERE s.secret = $1`, secret[:], clientID)
	if err == nil && found.consent.ClientID != "" {
		found.Consent = &found.consent
	}
	return found.SignedIn, err
}

// RenewSession replaces a session by its secret: ErrNotFound or ErrConflict.
func (d *DB) RenewSession(ctx context.Context, old [32]byte, s store.Session, by store.Change) error {
	return d.changeBy(ctx, "renew a session", by, func(ctx context.Context, tx pgx.Tx) (store.Event, error) {
		before, err := locked(ctx, tx, sessionColumns, selectSessions+" WHERE s.secret = $1", old[:])
		if err != nil {
			return store.Event{}, err
		}
		if before.ID != s.ID || before.UserID != s.UserID || !before.EndedAt.IsZero() {
			return store.Event{}, store.ErrConflict
		}
		_, err = tx.Exec(ctx, `UPDATE sessions SET secret = $2, user_not_before = $4, methods = $5::jsonb, device = $6, address = $7,
				seen_at = $8, idle_expires_at = least($9::timestamptz, $10), expires_at = $10, sweep_at = least($9, $10)
			WHERE id = $1 AND user_id = $3`, sessionValues(s)...)
		return events.Session(by, s.ID, s.UserID), err
	})
}

// SeeSessions moves SeenAt and IdleExpiresAt of live sessions. It locks them in a fixed order, so
// that two batches never wait for each other.
func (d *DB) SeeSessions(ctx context.Context, seen []store.SessionSeen) error {
	ids, at, idle := make([][]byte, len(seen)), make([]time.Time, len(seen)), make([]time.Time, len(seen))
	for i, s := range seen {
		ids[i], at[i], idle[i] = s.ID[:], store.At(s.SeenAt), store.At(s.IdleExpiresAt)
	}
	return d.exec(ctx, "note that sessions were used", `WITH seen AS (
			SELECT id, min(at) AS first, max(at) AS at, max(idle) AS idle FROM unnest($1::bytea[], $2::timestamptz[], $3::timestamptz[]) AS w (id, at, idle) GROUP BY id
		), living AS MATERIALIZED (
			SELECT s.id FROM sessions s WHERE s.id = ANY ($1) AND s.ended_at IS NULL ORDER BY s.id FOR NO KEY UPDATE
		)
		UPDATE sessions s SET seen_at = greatest(s.seen_at, seen.at), idle_expires_at = least(greatest(s.idle_expires_at, seen.idle), s.expires_at)
		FROM seen JOIN living USING (id) WHERE s.id = seen.id AND s.idle_expires_at >= seen.first`, ids, at, idle)
}

// EndSession ends a session and its families that are not offline: ErrNotFound if there is none.
func (d *DB) EndSession(ctx context.Context, id store.SessionID, by store.Change) error {
	return d.changeWhere(ctx, "end a session", by, func(ctx context.Context, tx pgx.Tx) (store.Event, bool, error) {
		var userID string
		ended, err := optional(tx.QueryRow(ctx, `UPDATE sessions SET ended_at = $2, ended_reason = $3, sweep_at = $4
			WHERE id = $1 AND ended_at IS NULL RETURNING user_id`,
			id[:], orNever(by.Voids.Before), by.Voids.Reason, orNever(by.Voids.Before.Add(store.KeepEnded))).Scan(&userID))
		if err != nil {
			return store.Event{}, false, err
		}
		if !ended {
			var there bool
			err := tx.QueryRow(ctx, "SELECT EXISTS (SELECT FROM sessions WHERE id = $1)", id[:]).Scan(&there)
			if err == nil && !there {
				err = store.ErrNotFound
			}
			return store.Event{}, false, err
		}
		if _, err := endFamilies(ctx, tx, by.Voids, ofSessions, [][]byte{id[:]}); err != nil {
			return store.Event{}, false, err
		}
		if err := deliver(ctx, tx, by, everyClient, "SELECT $3::bytea AS id, $4::text AS user_id", id[:], userID); err != nil {
			return store.Event{}, false, err
		}
		return events.Session(by, id, userID), true, nil
	})
}

// EndExpiredSessions ends sessions that expired, in transactions of endStep, unless another
// replica does.
func (d *DB) EndExpiredSessions(ctx context.Context, before store.Moment, limit int, by store.Change) (ended int, err error) {
	const doing = "end sessions that expired"
	if err := by.Check(); err != nil {
		return 0, fault(doing, err)
	}
	for ended < limit {
		var over, due int
		err := d.sweeping(ctx, endLock, func(ctx context.Context, tx pgx.Tx) (err error) {
			over, due, err = endExpired(ctx, tx, before, min(limit-ended, endStep), by)
			return err
		})
		ended += over
		if err != nil || due == 0 {
			return ended, err
		}
	}
	return ended, nil
}

// endStep is the number of sessions that end in one transaction, which locks their families.
const endStep = 100

// endExpired reads sessions whose sweep_at has passed, as sweepFamilies does, and ends the expired
// ones.
func endExpired(ctx context.Context, tx pgx.Tx, before store.Moment, limit int, by store.Change) (ended, due int, err error) {
	var ids [][]byte
	var users []string
	err = tx.QueryRow(ctx, `WITH due AS MATERIALIZED (
			SELECT id, idle_expires_at < $1 AS over FROM sessions WHERE ended_at IS NULL AND sweep_at < $1
			ORDER BY sweep_at LIMIT $2 FOR UPDATE SKIP LOCKED
		), postponed AS (
			UPDATE sessions s SET sweep_at = s.idle_expires_at FROM due WHERE s.id = due.id AND NOT due.over
		), ended AS (
			UPDATE sessions s SET ended_at = $3, ended_reason = $4, sweep_at = $5 FROM due WHERE s.id = due.id AND due.over RETURNING s.id, s.user_id
		)
		SELECT (SELECT count(*) FROM due), array_agg(id ORDER BY id), array_agg(user_id ORDER BY id) FROM ended`,
		orNever(before), limit, orNever(by.Voids.Before), by.Voids.Reason, orNever(by.Voids.Before.Add(store.KeepEnded))).Scan(&due, &ids, &users)
	if err != nil || len(ids) == 0 {
		return 0, due, err
	}
	if _, err := endFamilies(ctx, tx, by.Voids, ofSessions, ids); err != nil {
		return 0, due, err
	}
	if err := deliver(ctx, tx, by, everyClient, untold, ids); err != nil {
		return 0, due, err
	}
	for i, id := range ids {
		if err := record(ctx, tx, events.Session(by, store.SessionID(id), users[i])); err != nil {
			return 0, due, err
		}
	}
	return len(ids), due, nil
}

// ofSessions are the families of the sessions $6 that end with them. A code always ends: offline
// access begins only when it is exchanged.
const ofSessions = "session_id = ANY ($6) AND (NOT offline OR generation = 0)"

// endFamilies ends the live families that a condition selects with the parameters from $6 on, and
// records the revocation of each. It returns their number.
func endFamilies(ctx context.Context, tx pgx.Tx, v store.Void, where string, args ...any) (ended int, err error) {
	err = tx.QueryRow(ctx, `WITH due AS MATERIALIZED (
			SELECT id FROM refresh_families WHERE `+where+` AND revoked_at IS NULL ORDER BY id FOR UPDATE
		), ended AS (
			UPDATE refresh_families f SET revoked_at = $1, revoked_reason = $2, sweep_at = least($3, f.expires_at) FROM due WHERE f.id = due.id
			RETURNING f.id
		), voided AS (
			INSERT INTO revocations AS r (kind, value, voids_before, expires_at, reason, xid)
			SELECT $5, encode(id, 'hex'), $1, (SELECT authserver_expired_after($4)), $2, pg_current_xact_id() FROM ended WHERE $5 <> ''`+grow+`
		)
		SELECT count(*) FROM ended`,
		append([]any{
			orNever(v.Before), v.Reason, orNever(v.Before.Add(store.KeepRevoked)), orNever(v.IssuedUntil), string(v.Kind),
		}, args...)...).Scan(&ended)
	return ended, err
}

// Session returns a session, or ErrNotFound.
func (d *DB) Session(ctx context.Context, id store.SessionID) (store.Session, error) {
	return one(ctx, d, "read a session", sessionColumns, selectSessions+" WHERE s.id = $1", id[:])
}

// ListSessions returns sessions in the order of their IDs.
func (d *DB) ListSessions(ctx context.Context, p store.SessionPage) ([]store.Session, error) {
	const doing = "list sessions"
	if err := p.Check(); err != nil {
		return nil, fault(doing, err)
	}
	query, args := selectSessions+" WHERE s.id > $1", []any{p.After[:], p.Limit}
	if p.UserID != "" {
		query, args = query+" AND s.user_id = $3", append(args, p.UserID)
	}
	return all(ctx, d, doing, sessionColumns, query+" ORDER BY s.id LIMIT $2", args...)
}
