package sqlite

import (
	"context"
	"slices"

	"authserver/internal/events"
	"authserver/internal/store"
)

// The alias is s.
const sessionColumnNames = `s.id, s.secret, s.user_id, s.user_not_before, s.methods, s.device, s.address, s.created_at, s.seen_at,
	s.idle_expires_at, s.expires_at, s.ended_at, s.ended_reason`

const selectSessions = "SELECT " + sessionColumnNames + " FROM sessions s"

func sessionColumns(s *store.Session) []any {
	return []any{
		sessionID{&s.ID}, hash{&s.Secret}, &s.UserID, moment{&s.UserNotBefore}, array[[]store.SessionMethod]{&s.Methods}, &s.Device, &s.Address,
		moment{&s.CreatedAt}, moment{&s.SeenAt}, moment{&s.IdleExpiresAt}, moment{&s.ExpiresAt}, moment{&s.EndedAt}, text{&s.EndedReason},
	}
}

// sessionValues are the parameters 1 to 10 of an insert or update.
func sessionValues(s store.Session) []any {
	return []any{
		s.ID[:], s.Secret[:], s.UserID, micros(s.UserNotBefore), list(s.Methods), s.Device, s.Address, micros(s.SeenAt),
		micros(s.IdleExpiresAt), micros(s.ExpiresAt),
	}
}

// CreateSession adds a session: ErrNotFound if the user was deleted, ErrExists if the ID or the
// secret is taken.
func (d *DB) CreateSession(ctx context.Context, s store.Session, by store.Change) error {
	return d.changeBy(ctx, "create a session", by, func(ctx context.Context, tx *transaction) (store.Event, error) {
		_, err := tx.exec(ctx, `INSERT INTO sessions (id, secret, user_id, user_not_before, methods, device, address, seen_at,
				idle_expires_at, expires_at, sweep_at, created_at)
			VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, min(?9, ?10), ?10, min(?9, ?10), ?11)`,
			append(sessionValues(s), micros(s.CreatedAt))...)
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
			LEFT JOIN consents c ON c.user_id = s.user_id AND c.client_id = ?2
			LEFT JOIN clients k ON k.id = c.client_id AND k.created_at = c.client_created_at
		WHERE s.secret = ?1`, secret[:], clientID)
	if err == nil && found.consent.ClientID != "" {
		found.Consent = &found.consent
	}
	return found.SignedIn, err
}

// RenewSession replaces a session by its secret: ErrNotFound or ErrConflict.
func (d *DB) RenewSession(ctx context.Context, old [32]byte, s store.Session, by store.Change) error {
	return d.changeBy(ctx, "renew a session", by, func(ctx context.Context, tx *transaction) (store.Event, error) {
		before, err := read(ctx, tx, sessionColumns, selectSessions+" WHERE s.secret = ?", old[:])
		if err != nil {
			return store.Event{}, err
		}
		if before.ID != s.ID || before.UserID != s.UserID || !before.EndedAt.IsZero() {
			return store.Event{}, store.ErrConflict
		}
		_, err = tx.exec(ctx, `UPDATE sessions SET secret = ?2, user_not_before = ?4, methods = ?5, device = ?6, address = ?7,
				seen_at = ?8, idle_expires_at = min(?9, ?10), expires_at = ?10, sweep_at = min(?9, ?10)
			WHERE id = ?1 AND user_id = ?3`, sessionValues(s)...)
		return events.Session(by, s.ID, s.UserID), err
	})
}

// SeeSessions moves SeenAt and IdleExpiresAt of live sessions.
func (d *DB) SeeSessions(ctx context.Context, seen []store.SessionSeen) error {
	return d.change(ctx, "note that sessions were used", func(ctx context.Context, tx *transaction) error {
		for _, s := range seen {
			_, err := tx.exec(ctx, `UPDATE sessions SET seen_at = max(seen_at, ?2), idle_expires_at = min(max(idle_expires_at, ?3), expires_at)
				WHERE id = ?1 AND ended_at IS NULL AND idle_expires_at >= ?2`, s.ID[:], micros(s.SeenAt), micros(s.IdleExpiresAt))
			if err != nil {
				return err
			}
		}
		return nil
	})
}

// EndSession ends a session and its families that are not offline: ErrNotFound if there is none.
func (d *DB) EndSession(ctx context.Context, id store.SessionID, by store.Change) error {
	return d.changeWhere(ctx, "end a session", by, func(ctx context.Context, tx *transaction) (store.Event, bool, error) {
		var userID string
		ended, err := optional(tx.row(ctx, `UPDATE sessions SET ended_at = ?2, ended_reason = ?3, sweep_at = ?4
			WHERE id = ?1 AND ended_at IS NULL RETURNING user_id`,
			id[:], micros(by.Voids.Before), by.Voids.Reason, micros(by.Voids.Before.Add(store.KeepEnded))).Scan(&userID))
		if err != nil {
			return store.Event{}, false, err
		}
		if !ended {
			there, err := exists(ctx, tx, "SELECT 1 FROM sessions WHERE id = ?1", id[:])
			if err == nil && !there {
				err = store.ErrNotFound
			}
			return store.Event{}, false, err
		}
		if _, err := endFamilies(ctx, tx, by.Voids, ofSession, id[:]); err != nil {
			return store.Event{}, false, err
		}
		if err := deliver(ctx, tx, by, everyClient, "SELECT ?1 AS id, ?2 AS user_id", id[:], userID); err != nil {
			return store.Event{}, false, err
		}
		return events.Session(by, id, userID), true, nil
	})
}

// EndExpiredSessions ends sessions that expired, in transactions of sweepStep.
func (d *DB) EndExpiredSessions(ctx context.Context, before store.Moment, limit int, by store.Change) (ended int, err error) {
	const doing = "end sessions that expired"
	if err := by.Check(); err != nil {
		return 0, fault(doing, err)
	}
	for ended < limit {
		var due []store.Session
		over := 0
		err := d.change(ctx, doing, func(ctx context.Context, tx *transaction) (err error) {
			due, err = allOf(ctx, tx, sessionColumns, selectSessions+" WHERE s.ended_at IS NULL AND s.sweep_at < ? ORDER BY s.sweep_at LIMIT ?",
				micros(before), min(limit-ended, sweepStep))
			if err == nil {
				over, err = endExpired(ctx, tx, due, before, by)
			}
			return err
		})
		ended += over
		if err != nil || len(due) == 0 {
			return ended, err
		}
	}
	return ended, nil
}

// endExpired ends the expired sessions. A session that was used since gets a later sweep_at.
func endExpired(ctx context.Context, tx *transaction, due []store.Session, before store.Moment, by store.Change) (ended int, err error) {
	for _, s := range due {
		if !s.IdleExpiresAt.Before(before) {
			if _, err := tx.exec(ctx, "UPDATE sessions SET sweep_at = idle_expires_at WHERE id = ?", s.ID[:]); err != nil {
				return 0, err
			}
			continue
		}
		if _, err := tx.exec(ctx, "UPDATE sessions SET ended_at = ?2, ended_reason = ?3, sweep_at = ?4 WHERE id = ?1",
			s.ID[:], micros(by.Voids.Before), by.Voids.Reason, micros(by.Voids.Before.Add(store.KeepEnded))); err != nil {
			return 0, err
		}
		if _, err := endFamilies(ctx, tx, by.Voids, ofSession, s.ID[:]); err != nil {
			return 0, err
		}
		if err := deliver(ctx, tx, by, everyClient, untold, s.ID[:]); err != nil {
			return 0, err
		}
		if err := record(ctx, tx, events.Session(by, s.ID, s.UserID)); err != nil {
			return 0, err
		}
		ended++
	}
	return ended, nil
}

// ofSession are the families of the session ?1 that end with it. A code always ends: offline access
// begins only when it is exchanged.
const ofSession = "f.session_id = ?1 AND (NOT f.offline OR f.generation = 0)"

// endFamilies ends the live families that a condition selects, and records the revocation of each.
func endFamilies(ctx context.Context, tx *transaction, v store.Void, where string, args ...any) (ended int, err error) {
	families, err := allOf(ctx, tx, familyColumns, "SELECT "+familyColumnNames+" FROM refresh_families f WHERE "+where+" AND f.revoked_at IS NULL", args...)
	if err != nil {
		return 0, err
	}
	for _, f := range families {
		if _, err := end(ctx, tx, f.ID, v.Before, v.Reason); err != nil {
			return 0, err
		}
		v.Value = f.ID.String()
		if err := revoke(ctx, tx, v); err != nil {
			return 0, err
		}
	}
	return len(families), nil
}

// Session returns a session, or ErrNotFound.
func (d *DB) Session(ctx context.Context, id store.SessionID) (store.Session, error) {
	return one(ctx, d, "read a session", sessionColumns, selectSessions+" WHERE s.id = ?", id[:])
}

// ListSessions returns sessions in the order of their IDs.
func (d *DB) ListSessions(ctx context.Context, p store.SessionPage) ([]store.Session, error) {
	const doing = "list sessions"
	if err := p.Check(); err != nil {
		return nil, fault(doing, err)
	}
	query, args := selectSessions+" WHERE s.id > ?1", []any{p.After[:], p.Limit}
	if p.UserID != "" {
		query, args = query+" AND s.user_id = ?3", append(args, p.UserID)
	}
	return all(ctx, d, doing, sessionColumns, query+" ORDER BY s.id LIMIT ?2", args...)
}
