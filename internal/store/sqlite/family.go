package sqlite

import (
	"context"
	"encoding/hex"
	"fmt"
	"time"

	"authserver/internal/events"
	"authserver/internal/oauth"
	"authserver/internal/store"
)

// The alias is f.
const familyColumnNames = `f.id, f.client_id, f.user_id, f.scope, f.resources, f.generation, f.created_at, f.client_not_before,
	f.user_not_before, f.rotated_at, f.idle_expires_at, f.expires_at, f.revoked_at, f.revoked_reason, f.bound_to, f.created_by, f.rotated_by,
	f.session_id, f.offline, f.login, CASE WHEN f.generation = 0 THEN f.code END`

func familyColumns(f *store.Family) []any {
	return []any{
		familyID{&f.ID}, &f.ClientID, &f.UserID, array[oauth.Scope]{&f.Scope}, array[[]string]{&f.Resources}, &f.Generation,
		moment{&f.CreatedAt}, moment{&f.ClientNotBefore}, moment{&f.UserNotBefore}, moment{&f.RotatedAt},
		moment{&f.IdleExpiresAt}, moment{&f.ExpiresAt}, moment{&f.RevokedAt}, text{&f.RevokedReason}, text{&f.BoundTo},
		&f.CreatedBy, &f.RotatedBy, sessionID{&f.SessionID}, &f.Offline, nullable[store.Login]{&f.Login}, nullable[store.Code]{&f.Code},
	}
}

// CreateFamily adds a family and records uses. It returns ErrNotFound if the user was deleted or
// has no such live session, and ErrExists if the ID is taken.
func (d *DB) CreateFamily(ctx context.Context, f store.Family, uses ...store.Use) error {
	return d.change(ctx, "create a refresh token family", func(ctx context.Context, tx *transaction) error {
		if !f.SessionID.IsZero() {
			living, err := exists(ctx, tx, "SELECT 1 FROM sessions WHERE id = ? AND user_id = ? AND ended_at IS NULL", f.SessionID[:], f.UserID)
			if err == nil && !living {
				err = store.ErrNotFound
			}
			if err != nil {
				return err
			}
		}
		if err := use(ctx, tx, uses); err != nil {
			return err
		}
		_, err := tx.exec(ctx, `INSERT INTO refresh_families (id, client_id, user_id, scope, resources, generation,
				created_at, rotated_at, idle_expires_at, expires_at, revoked_at, sweep_at, client_not_before, user_not_before,
				bound_to, created_by, rotated_by, revoked_reason, session_id, offline, login, code)
			VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, min(?9, ?10), ?10, ?11, min(?9, ?10), ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19, ?20, ?21)`,
			f.ID[:], f.ClientID, f.UserID, list(f.Scope), list(f.Resources), f.Generation,
			micros(f.CreatedAt), micros(f.RotatedAt), micros(f.IdleExpiresAt), micros(f.ExpiresAt), micros(f.RevokedAt),
			micros(f.ClientNotBefore), micros(f.UserNotBefore), orNull(f.BoundTo), f.CreatedBy, f.RotatedBy, orNull(f.RevokedReason),
			idOrNull(f.SessionID), f.Offline, orAbsent(f.Login), orAbsent(f.Code))
		return err
	})
}

// Family returns a family, or ErrNotFound.
func (d *DB) Family(ctx context.Context, id store.FamilyID) (store.Family, error) {
	return one(ctx, d, "read a refresh token family", familyColumns,
		"SELECT "+familyColumnNames+" FROM refresh_families f WHERE f.id = ?", id[:])
}

// ListFamilies returns families in the order of their IDs.
func (d *DB) ListFamilies(ctx context.Context, p store.FamilyPage) ([]store.Family, error) {
	const doing = "list refresh token families"
	if err := p.Check(); err != nil {
		return nil, fault(doing, err)
	}
	query, args := "SELECT "+familyColumnNames+" FROM refresh_families f WHERE f.id > ?1", []any{p.After[:], p.Limit}
	if p.UserID != "" {
		args = append(args, p.UserID)
		query += fmt.Sprintf(" AND f.user_id = ?%d", len(args))
	}
	if p.ClientID != "" {
		args = append(args, p.ClientID)
		query += fmt.Sprintf(" AND f.client_id = ?%d", len(args))
	}
	if !p.SessionID.IsZero() {
		args = append(args, p.SessionID[:])
		query += fmt.Sprintf(" AND f.session_id = ?%d", len(args))
	}
	return all(ctx, d, doing, familyColumns, query+" ORDER BY f.id LIMIT ?2", args...)
}

// LastIdleExpiry returns the latest IdleExpiresAt of a page of the families. A cursor is
// the ID of the last one in hexadecimal.
func (d *DB) LastIdleExpiry(ctx context.Context, after store.Cursor, limit int) (last store.Moment, next store.Cursor, err error) {
	const doing = "look for the last refresh token family"
	if err := (store.Page{Limit: limit}).Check(); err != nil {
		return last, after, fault(doing, err)
	}
	id, err := hex.DecodeString(string(after))
	if err != nil {
		return last, after, fmt.Errorf("%s: the cursor is not of this database: %w", doing, err)
	}
	p, err := one(ctx, d, doing, func(p *idlePage) []any { return []any{moment{&p.last}, &p.looked, &p.end} }, `WITH page AS MATERIALIZED (
			SELECT id, idle_expires_at, prior_idle_expires_at, revoked_at FROM refresh_families WHERE id > ? ORDER BY id LIMIT ?
		)
		SELECT (SELECT max(max(idle_expires_at, coalesce(prior_idle_expires_at, idle_expires_at))) FROM page WHERE revoked_at IS NULL),
			(SELECT count(*) FROM page), (SELECT max(id) FROM page)`, id, limit)
	if err != nil {
		return store.Moment{}, after, err
	}
	if p.looked < limit {
		return p.last, "", nil
	}
	return p.last, store.Cursor(hex.EncodeToString(p.end)), nil
}

// idlePage is a page of LastIdleExpiry: the number of families, and the last one's ID.
type idlePage struct {
	last   store.Moment
	looked int
	end    []byte
}

// end revokes a live family, and lets the sweep remove it KeepRevoked later.
func end(ctx context.Context, tx *transaction, id store.FamilyID, at time.Time, reason string) (ended int64, err error) {
	return tx.exec(ctx, `UPDATE refresh_families SET revoked_at = ?2, sweep_at = min(expires_at, ?3), revoked_reason = ?4
		WHERE id = ?1 AND revoked_at IS NULL`, id[:], micros(at), micros(at.Add(store.KeepRevoked)), orNull(reason))
}

// RevokeFamily ends a family, if it lives, and records the revocation and the event.
func (d *DB) RevokeFamily(ctx context.Context, id store.FamilyID, by store.Change) error {
	const doing = "revoke a refresh token family"
	if err := by.Check(); err != nil {
		return fault(doing, err)
	}
	return d.change(ctx, doing, func(ctx context.Context, tx *transaction) error {
		ended, err := end(ctx, tx, id, by.Voids.Before, by.Voids.Reason)
		if err != nil {
			return err
		}
		if err := revoke(ctx, tx, by.Voids); err != nil || ended == 0 {
			return err
		}
		e := events.Family(by, id, "", "")
		if err := tx.row(ctx, "SELECT client_id, user_id FROM refresh_families WHERE id = ?", id[:]).Scan(&e.ClientID, &e.UserID); err != nil {
			return err
		}
		return record(ctx, tx, e)
	})
}
