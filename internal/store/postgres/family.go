package postgres

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"authserver/internal/oauth"
	"authserver/internal/store"
)

func familyColumns(f *store.Family) []any {
	return []any{
		familyID{&f.ID}, &f.ClientID, &f.UserID, array[oauth.Scope, string]{&f.Scope}, array[[]string, string]{&f.Resources},
		&f.Generation, moment{&f.CreatedAt}, moment{&f.ClientNotBefore}, moment{&f.UserNotBefore}, moment{&f.RotatedAt},
		moment{&f.IdleExpiresAt}, moment{&f.ExpiresAt}, moment{&f.RevokedAt}, text{&f.BoundTo},
		&f.CreatedBy, &f.RotatedBy,
	}
}

// familyLock names the row of a family, and that of its revocation, which is written
// once the family's is locked.
func familyLock(id store.FamilyID) string {
	return revocationLock(store.RevokedFamily, hex.EncodeToString(id[:]))
}

// familyNames are the columns of insertFamily, whose values are the parameters 1 to 16.
const (
	familyNames = `id, client_id, user_id, scope, resources, generation, created_at, rotated_at, idle_expires_at, expires_at,
		revoked_at, sweep_at, client_not_before, user_not_before, bound_to, created_by, rotated_by`
	familyValues = `$1, $2, $3, $4, $5, $6, $7, $8, least($9::timestamptz, $10), $10, $11, least($9, $10), $12, $13, $14, $15, $16`
)

// CreateFamily adds a family and records uses: ErrNotFound where the user is gone,
// ErrExists where the ID is taken.
func (d *DB) CreateFamily(ctx context.Context, f store.Family, uses ...store.Use) error {
	const doing = "create a refresh token family"
	args := []any{
		f.ID[:], f.ClientID, f.UserID, list(f.Scope), list(f.Resources), int64(f.Generation),
		orNever(f.CreatedAt), orNever(f.RotatedAt), orNever(f.IdleExpiresAt), orNever(f.ExpiresAt), orNever(f.RevokedAt),
		orNever(f.ClientNotBefore), orNever(f.UserNotBefore), orNull(f.BoundTo), int64(f.CreatedBy), int64(f.RotatedBy),
	}
	if len(uses) == 0 {
		_, err := d.execTogether(ctx, doing, familyLock(f.ID), `INSERT INTO refresh_families (`+familyNames+`) VALUES (`+familyValues+`)`, args...)
		return err
	}
	return d.using(ctx, doing, familyLock(f.ID), `WITH `+wanted(len(args)+1)+`, `+spent("before.place IS NULL", "before")+`, made AS (
			INSERT INTO refresh_families (`+familyNames+`) SELECT `+familyValues+` WHERE `+firstReplay+` = 0
		)
		SELECT `+firstReplay, args, uses)
}

// Family returns a family, or ErrNotFound.
func (d *DB) Family(ctx context.Context, id store.FamilyID) (store.Family, error) {
	return one(ctx, d, "read a refresh token family", familyColumns,
		`SELECT id, client_id, user_id, scope, resources, generation, created_at, client_not_before, user_not_before,
			rotated_at, idle_expires_at, expires_at, revoked_at, bound_to, created_by, rotated_by
		FROM refresh_families WHERE id = $1`, id[:])
}

// rotate decides and moves in one statement. FOR UPDATE makes it wait for another
// rotation of the family and then, at READ COMMITTED, go on with the row as that
// one left it: the outcome is decided on the newest row, and the UPDATEs, which
// begin at the older row of the statement's snapshot, follow it to the same newest
// row, which is locked by then. An outcome that writes is checked to have written.
//
// Where the request brings what is good once, it is recorded by the same statement once
// the outcome is a token, and nothing moves where it was used before.
//
// $1 family, $2 generation, $3 client, $4 the client's NotBefore, $5 scope,
// $6 resources, $7 now, $8 the grace, $9 idle until,
// $10 access tokens may be issued until, $11 keep a revoked family until, $12 family in
// hex, $13 the keys that were proved, $14 the key that it is bound to where it is to none,
// $15 why a reuse voids, $16 from when on, $17 the clock that shows now, $18 the skew
const rotate = "WITH " + rotateAlive + rotateOutcome + rotateMove + rotateSaid + "0" + rotateRow

const (
	rotateAlive = `f AS MATERIALIZED (
		SELECT f.*, CASE
			WHEN f.client_id <> $3 THEN 'wrong client'
			WHEN f.bound_to IS NOT NULL AND f.bound_to <> ALL ($13::text[]) THEN 'wrong key'
			WHEN f.revoked_at IS NOT NULL OR u.disabled OR f.user_not_before < u.not_before OR f.client_not_before < $4 THEN 'revoked'
			WHEN f.idle_expires_at < f.expires_at AND f.idle_expires_at <= shows.rotated OR f.expires_at <= shows.created THEN 'expired'`
	rotateOutcome = `
			WHEN $2 < f.generation AND ($2 = f.generation - 1 AND $8 > interval '0' AND f.rotated_at + $8 >= shows.rotated) IS NOT TRUE THEN 'reused'
			WHEN NOT $5::text[] <@ f.scope THEN 'scope exceeded'
			WHEN NOT $6::text[] <@ f.resources THEN 'resource exceeded'
			WHEN $2 < f.generation THEN 'graced'
			ELSE 'rotated'
		END AS outcome
		FROM refresh_families f JOIN users u ON u.id = f.user_id CROSS JOIN LATERAL (SELECT
			$7::timestamptz - CASE WHEN f.rotated_by = $17 THEN interval '0' ELSE $18::interval END AS rotated,
			$7::timestamptz - CASE WHEN f.created_by = $17 THEN interval '0' ELSE $18::interval END AS created
		) shows
		WHERE f.id = $1
		FOR UPDATE OF f
	), `
	rotateMove = `moved AS (
		UPDATE refresh_families r SET generation = $2 + 1, rotated_at = $7, idle_expires_at = least($9, f.expires_at),
			bound_to = coalesce(f.bound_to, $14), rotated_by = coalesce($17, 0)
		FROM f WHERE r.id = f.id AND f.outcome = 'rotated'`
	rotateSaid = `
		RETURNING r.*
	), ended AS (
		UPDATE refresh_families r SET revoked_at = $7, sweep_at = least($11, f.expires_at)
		FROM f WHERE r.id = f.id AND f.outcome = 'reused'
		RETURNING r.*
	), voided AS (
		INSERT INTO revocations AS r (kind, value, voids_before, expires_at, reason, xid)
		SELECT 'family', $12, $16, authserver_expired_after($10), $15, pg_current_xact_id() FROM f WHERE f.outcome = 'reused'` + grow + `
	)
	SELECT f.outcome, moved.id IS NOT NULL OR ended.id IS NOT NULL, `
	rotateRow = `,
		f.id, f.client_id, f.user_id, f.scope, f.resources, coalesce(moved.generation, f.generation), f.created_at, f.client_not_before,
		f.user_not_before, coalesce(moved.rotated_at, f.rotated_at), coalesce(moved.idle_expires_at, f.idle_expires_at), f.expires_at,
		coalesce(ended.revoked_at, f.revoked_at), coalesce(moved.bound_to, f.bound_to), f.created_by,
		coalesce(moved.rotated_by, f.rotated_by), ` + userColumnNames + `
	FROM f JOIN users u ON u.id = f.user_id LEFT JOIN moved ON true LEFT JOIN ended ON true`
)

// rotateUsing is rotate for a request that brings what is good once, from $19 on. It is
// recorded where the outcome is a token. Where it was used before, nothing moves: that
// comes before reuse, since a request which is sent a second time as it was is no theft.
func rotateUsing() string {
	return "WITH " + wanted(19) + ", " + //nolint:mnd // the parameter after those of rotate
		rotateAlive + " WHEN (SELECT place FROM before) IS NOT NULL THEN 'used before'" + rotateOutcome +
		spent("f.outcome IN ('graced', 'rotated')", "f") + ", " +
		rotateMove + " AND " + firstReplay + " = 0" + rotateSaid + firstReplay + rotateRow
}

// clockOrNull is NULL, which equals nothing, for a clock that is not known.
func clockOrNull(id store.ClockID) *int64 {
	if id == 0 {
		return nil
	}
	return (*int64)(&id)
}

// Rotate decides and moves in one statement.
func (d *DB) Rotate(ctx context.Context, r store.Rotation) (store.RotationResult, error) {
	const doing = "rotate a refresh token"
	now := store.At(r.Now)
	args := []any{
		r.ID[:], int64(r.Generation), r.ClientID, orNever(r.ClientNotBefore), listOrNull(r.Scope),
		listOrNull(r.Resources), orNever(now), r.Grace, orNever(now.Add(r.Idle)),
		orNever(r.Reuse.IssuedUntil), orNever(now.Add(store.KeepRevoked)), r.Reuse.Value,
		list(r.Proved), orNull(r.Binds), r.Reuse.Reason, orNever(r.Reuse.Before),
		clockOrNull(r.Clock.ID), r.Clock.Skew,
	}
	text := rotate
	if len(r.Uses) > 0 {
		if of, twice := store.Repeated(r.Uses); twice {
			return store.RotationResult{Outcome: store.UsedBefore, Replay: of}, nil
		}
		text, args = rotateUsing(), append(args, useValues(r.Uses)...)
	}
	var said struct {
		outcome string
		wrote   bool
		replay  int // the place of the first use that was made before, from 1; 0: none was
	}
	var f store.Family
	var u store.User
	err := d.do(ctx, doing, func(ctx context.Context) error {
		return d.pipeline.do(ctx, &call{text: text, args: args, locks: familyLock(r.ID), columns: func() []any {
			return append(append([]any{&said.outcome, &said.wrote, &said.replay}, familyColumns(&f)...), userColumns(&u)...)
		}})
	})
	if errors.Is(err, pgx.ErrNoRows) {
		return store.RotationResult{Outcome: store.Unknown}, nil
	}
	if err != nil {
		return store.RotationResult{}, err
	}
	result := store.RotationResult{Family: f}
	if result.Outcome, err = outcomeOf(said.outcome); err != nil {
		return store.RotationResult{}, fault(doing, err)
	}
	switch result.Outcome {
	case store.UsedBefore:
		result.Replay = said.replay - 1
	case store.Graced, store.Rotated:
		if said.replay > 0 { // by another request, at this very moment
			result.Outcome, result.Replay = store.UsedBefore, said.replay-1
		}
	}
	if said.wrote != (result.Outcome == store.Rotated || result.Outcome == store.Reused) {
		return store.RotationResult{}, fmt.Errorf("%s: decided %q without the row following", doing, said.outcome)
	}
	if result.Outcome == store.Graced || result.Outcome == store.Rotated {
		result.User = u
	}
	return result, nil
}

func outcomeOf(name string) (store.Outcome, error) {
	switch name {
	case "wrong client":
		return store.WrongClient, nil
	case "wrong key":
		return store.WrongKey, nil
	case "revoked":
		return store.Revoked, nil
	case "expired":
		return store.Expired, nil
	case "used before":
		return store.UsedBefore, nil
	case "reused":
		return store.Reused, nil
	case "scope exceeded":
		return store.ScopeExceeded, nil
	case "resource exceeded":
		return store.ResourceExceeded, nil
	case "graced":
		return store.Graced, nil
	case "rotated":
		return store.Rotated, nil
	}
	return store.Unknown, fmt.Errorf("an outcome of another version: %q", name)
}

// lookTimeout bounds a query that looks at every row of the largest table.
const lookTimeout = time.Minute

// LastIdleExpiry returns the latest IdleExpiresAt of the families that are not
// revoked.
func (d *DB) LastIdleExpiry(ctx context.Context) (last store.Moment, err error) {
	ctx, cancel := context.WithTimeout(ctx, lookTimeout)
	defer cancel()
	err = d.pool.QueryRow(ctx, "SELECT max(idle_expires_at) FROM refresh_families WHERE revoked_at IS NULL").Scan(moment{&last})
	return last, fault("look for the last refresh token family", err)
}

// RevokeFamily ends a family that lives, has the sweep take it KeepRevoked later,
// and records voids, in one statement.
func (d *DB) RevokeFamily(ctx context.Context, id store.FamilyID, voids store.Void) error {
	_, err := d.execTogether(ctx, "revoke a refresh token family", familyLock(id), `WITH ended AS (
			UPDATE refresh_families SET revoked_at = $3, sweep_at = least($8, expires_at) WHERE id = $7 AND revoked_at IS NULL
		) `+insertRevocation,
		append(voidValues(voids), id[:], orNever(voids.Before.Add(store.KeepRevoked)))...)
	return err
}
