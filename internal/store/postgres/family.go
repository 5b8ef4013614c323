package postgres

import (
	"context"
	"encoding/hex"
	"fmt"

	"authserver/internal/events"
	"authserver/internal/oauth"
	"authserver/internal/store"
)

func familyColumns(f *store.Family) []any {
	return []any{
		familyID{&f.ID}, &f.ClientID, &f.UserID, array[oauth.Scope, string]{&f.Scope}, array[[]string, string]{&f.Resources},
		&f.Generation, moment{&f.CreatedAt}, moment{&f.ClientNotBefore}, moment{&f.UserNotBefore}, moment{&f.RotatedAt},
		moment{&f.IdleExpiresAt}, moment{&f.ExpiresAt}, moment{&f.RevokedAt}, text{&f.RevokedReason}, text{&f.BoundTo},
		&f.CreatedBy, &f.RotatedBy, signIn{f},
	}
}

// familyLock names the lock of a family's row. The row of its revocation is written only
// under that lock.
func familyLock(id store.FamilyID) string {
	return revocationLock(store.RevokedFamily, id.String())
}

// familyNames are the columns of a new family, whose values are the parameters 1 to 17. signInNames
// are the columns that a sign-in adds, the parameters 18 to 21.
const (
	familyNames = `id, client_id, user_id, scope, resources, generation, created_at, rotated_at, idle_expires_at, expires_at,
		revoked_at, sweep_at, client_not_before, user_not_before, bound_to, created_by, rotated_by, revoked_reason`
	familyParameters = `$1, $2, $3, $4, $5, $6, $7, $8, least($9::timestamptz, $10), $10, $11, least($9, $10), $12, $13, $14, $15, $16, $17`
	signInNames      = `, session_id, offline, login, code`
	signInParameters = `, $18, $19, $20::json, $21::jsonb`
	// signedIn selects the session of a new family if the session lives. FOR SHARE makes the end
	// of the session wait until the family exists, so that it ends the family too.
	signedIn = `SELECT id FROM sessions WHERE id = $18 AND user_id = $3 AND ended_at IS NULL FOR SHARE`
)

// CreateFamily adds a family and records uses. It returns ErrNotFound if the user was deleted or
// has no such live session, and ErrExists if the ID is taken.
func (d *DB) CreateFamily(ctx context.Context, f store.Family, uses ...store.Use) error {
	const doing = "create a refresh token family"
	args, names, values, from, where, first := familyValues(f), familyNames, familyParameters, "", "", firstReplay
	if isSignIn(f) {
		args, names, values = append(args, signInValues(f)...), names+signInNames, values+signInParameters
	}
	if !f.SessionID.IsZero() {
		from, where = " FROM ("+signedIn+") living", " AND EXISTS (SELECT FROM living)"
		first = "CASE WHEN EXISTS (SELECT FROM living) THEN " + firstReplay + " ELSE " + notThere + " END"
	}
	if len(uses) == 0 {
		made, err := d.execTogether(ctx, doing, familyLock(f.ID), `INSERT INTO refresh_families (`+names+`) SELECT `+values+from, args...)
		if err == nil && made == 0 {
			err = fault(doing, store.ErrNotFound)
		}
		return err
	}
	with := "WITH "
	if !f.SessionID.IsZero() {
		with += "living AS MATERIALIZED (" + signedIn + "), "
	}
	return d.using(ctx, doing, familyLock(f.ID), with+wanted(len(args)+1)+`, `+spent("before.place IS NULL"+where, "before")+`, made AS (
			INSERT INTO refresh_families (`+names+`) SELECT `+values+` WHERE `+firstReplay+` = 0`+where+`
		)
		SELECT `+first, args, uses)
}

func familyValues(f store.Family) []any {
	return []any{
		f.ID[:], f.ClientID, f.UserID, list(f.Scope), list(f.Resources), int64(f.Generation),
		orNever(f.CreatedAt), orNever(f.RotatedAt), orNever(f.IdleExpiresAt), orNever(f.ExpiresAt), orNever(f.RevokedAt),
		orNever(f.ClientNotBefore), orNever(f.UserNotBefore), orNull(f.BoundTo), int32(f.CreatedBy), int32(f.RotatedBy), orNull(f.RevokedReason),
	}
}

// Family returns a family, or ErrNotFound.
func (d *DB) Family(ctx context.Context, id store.FamilyID) (store.Family, error) {
	return one(ctx, d, "read a refresh token family", familyColumns,
		selectFamilies+" WHERE id = $1", id[:])
}

// familyColumnNames are the columns that familyColumns scans; the alias is f.
const familyColumnNames = `f.id, f.client_id, f.user_id, f.scope, f.resources, f.generation, f.created_at, f.client_not_before, f.user_not_before,
		f.rotated_at, f.idle_expires_at, f.expires_at, f.revoked_at, f.revoked_reason, f.bound_to, f.created_by, f.rotated_by,
		CASE WHEN f.generation = 0 OR ` + signInColumn

const selectFamilies = "SELECT " + familyColumnNames + " FROM refresh_families f"

// ListFamilies returns families in the order of their IDs.
func (d *DB) ListFamilies(ctx context.Context, p store.FamilyPage) ([]store.Family, error) {
	const doing = "list refresh token families"
	if err := p.Check(); err != nil {
		return nil, fault(doing, err)
	}
	query, args := selectFamilies+" WHERE id > $1", []any{p.After[:], p.Limit}
	if p.UserID != "" {
		args = append(args, p.UserID)
		query += fmt.Sprintf(" AND user_id = $%d", len(args))
	}
	if p.ClientID != "" {
		args = append(args, p.ClientID)
		query += fmt.Sprintf(" AND client_id = $%d", len(args))
	}
	if !p.SessionID.IsZero() {
		args = append(args, p.SessionID[:])
		query += fmt.Sprintf(" AND session_id = $%d", len(args))
	}
	return all(ctx, d, doing, familyColumns, query+" ORDER BY id LIMIT $2", args...)
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
	var looked int
	var end []byte
	err = d.do(ctx, doing, func(ctx context.Context) error {
		return d.pool.QueryRow(ctx, `WITH page AS MATERIALIZED (
				SELECT id, idle_expires_at, prior_idle_expires_at, revoked_at FROM refresh_families WHERE id > $1 ORDER BY id LIMIT $2
			)
			SELECT (SELECT max(greatest(idle_expires_at, prior_idle_expires_at)) FROM page WHERE revoked_at IS NULL),
				(SELECT count(*) FROM page), (SELECT id FROM page ORDER BY id DESC LIMIT 1)`, id, limit).
			Scan(moment{&last}, &looked, &end)
	})
	if err != nil {
		return store.Moment{}, after, err
	}
	if looked < limit {
		return last, "", nil
	}
	return last, store.Cursor(hex.EncodeToString(end)), nil
}

// RevokeFamily ends a live family, records the revocation and the event, and lets the sweep remove
// the family KeepRevoked later, all in one statement.
func (d *DB) RevokeFamily(ctx context.Context, id store.FamilyID, by store.Change) error {
	const doing = "revoke a refresh token family"
	if err := by.Check(); err != nil {
		return fault(doing, err)
	}
	e := events.Family(by, id, "", "")
	_, err := d.execTogether(ctx, doing, familyLock(id), `WITH ended AS (
			UPDATE refresh_families SET revoked_at = $3, revoked_reason = $6, sweep_at = least($8, expires_at) WHERE id = $7 AND revoked_at IS NULL
			RETURNING client_id, user_id
		), told AS (
			INSERT INTO events (`+eventNames+`)
			SELECT authserver_event_id($9), $9, $10, $11, $12, ended.client_id, ended.user_id, $13, $14, NULL, $15::jsonb FROM ended
		) `+insertRevocation,
		append(voidValues(by.Voids), id[:], orNever(by.Voids.Before.Add(store.KeepRevoked)),
			orNever(e.At), string(e.Type), string(e.Actor.Type), e.Actor.ID, e.Family, orNull(e.RequestID), asJSON{e.Details})...)
	return err
}
