package postgres

import (
	"context"
	"slices"

	"authserver/internal/store"
)

// rotateAtOnce is the rotation of nearly every request: one UPDATE, which matches only if the outcome
// is a rotation. It waits for another rotation of the family, and at READ COMMITTED it then decides
// on the newest row. If it matches no row, [rotate] finds out why. It takes a third less time than
// rotate, because PostgreSQL prepares for the refusals there each time.
//
// It takes the parameters 1 to 15 of rotate. [alike] says whether it may be tried.
const rotateAtOnce = "UPDATE refresh_families f SET " + rotateValues + `
	FROM users u WHERE f.id = $1 AND u.id = f.user_id AND CASE` + rotateAlive + rotateGranted + `
			WHEN NOT f.resources && $15::text[] THEN 'unissuable'` + rotateOutcome + ` = 'rotated'
	RETURNING 'rotated', true, 0, ` + familyColumnNames + ", " + userColumnNames

// alike reports whether an access token can be made for any selection of the candidates. A family
// is then issuable if it has one of them.
func alike(r store.Rotation) bool {
	apart := func(c store.Candidate) bool {
		return c.Kind < 0 || c.Kind != r.Candidates[0].Kind || !r.Scope.IsSubsetOf(c.Scope)
	}
	return len(r.Candidates) > 0 && !slices.ContainsFunc(r.Candidates, apart)
}

// rotate decides and moves in one statement. FOR UPDATE makes the statement wait for another
// rotation of the family. At READ COMMITTED it then continues with the newest row and decides the
// outcome on that row. The UPDATEs begin at the older row of the statement's snapshot and follow it
// to the same newest row, which is locked by then. [DB.decide] checks that an outcome that writes
// has written.
//
// A function writes the event of a refusal. PostgreSQL opens every index of a table that a
// statement writes to, and nearly every rotation has no event.
//
// If the request has a single-use identifier, the same statement records it together with a token.
// If the identifier was used before, nothing moves.
//
// $1 family, $2 generation, $3 client, $4 the client's NotBefore, $5 scope, $6 resources, $7 now,
// $8 the grace, $9 idle until, $10 the proved keys, $11 the key to bind an unbound family to,
// $12 the clock that shows now, $13 the skew, $14 the next generation, $15 and $16 the candidates
// and their kinds, $17 and $18 candidates with each scope that they list, $19 the id of the request,
// $20 access tokens may be issued until, $21 keep a revoked family until, $22 family in hex, $23 the
// reason of the revocation for a reuse, $24 its voids_before
const rotate = "WITH " + rotateFamily + rotateAlive + rotateRefused + rotateMove + rotateSaid + "0" + rotateRow

const (
	rotateFamily = `f AS MATERIALIZED (
		SELECT f.*, CASE`
	rotateAlive = `
			WHEN f.client_id <> $3 THEN 'wrong client'
			WHEN f.bound_to IS NOT NULL AND f.bound_to <> ALL ($10::text[]) THEN 'wrong key'
			WHEN f.revoked_at IS NOT NULL OR u.disabled OR f.user_not_before < u.not_before OR f.client_not_before < $4 THEN 'revoked'
			WHEN f.idle_expires_at < f.expires_at AND f.idle_expires_at <= ` + sinceRotation + ` OR f.expires_at <= ` + sinceCreation + ` THEN 'expired'`
	// The moments before which a family has expired and its grace has ended. If another clock wrote
	// the moment that is compared, they allow for the skew.
	sinceRotation = "$7::timestamptz - CASE WHEN f.rotated_by = $12 THEN interval '0' ELSE $13::interval END"
	sinceCreation = "$7::timestamptz - CASE WHEN f.created_by = $12 THEN interval '0' ELSE $13::interval END"
	rotateGranted = `
			WHEN $2 < f.generation AND ($2 = f.generation - 1 AND $8 > interval '0' AND f.rotated_at + $8 >= ` + sinceRotation + `) IS NOT TRUE THEN 'reused'
			WHEN NOT $5::text[] <@ f.scope THEN 'scope exceeded'
			WHEN NOT $6::text[] <@ f.resources THEN 'resource exceeded'`
	rotateIssuable = `
			WHEN (
				SELECT min(c.kind) >= 0 AND min(c.kind) = max(c.kind) FROM unnest($15::text[], $16::int4[]) AS c (resource, kind)
				WHERE c.resource = ANY (f.resources)
			) IS NOT TRUE OR NOT $5::text[] <@ ARRAY(
				SELECT c.scope FROM unnest($17::text[], $18::text[]) AS c (resource, scope) WHERE c.resource = ANY (f.resources)
			) THEN 'unissuable'`
	rotateOutcome = `
			WHEN $2 < f.generation THEN 'graced'
			ELSE 'rotated'
		END`
	rotateRefused = rotateGranted + rotateIssuable + rotateOutcome + ` AS outcome
		FROM refresh_families f JOIN users u ON u.id = f.user_id
		WHERE f.id = $1
		FOR UPDATE OF f
	), `
	rotateValues = `generation = $14, rotated_at = $7, idle_expires_at = least($9, f.expires_at),
			bound_to = coalesce(f.bound_to, $11), rotated_by = coalesce($12, 0), prior_generation = f.generation,
			prior_rotated_at = coalesce(f.rotated_at, '-infinity'), prior_rotated_by = f.rotated_by,
			prior_idle_expires_at = f.idle_expires_at, bound_anew = f.bound_to IS NULL AND $11 IS NOT NULL,
			code = CASE WHEN f.generation = 0 THEN f.code END`
	rotateMove = `moved AS (
		UPDATE refresh_families r SET ` + rotateValues + `
		FROM f WHERE r.id = f.id AND f.outcome = 'rotated'`
	rotateSaid = `
		RETURNING r.*
	), ended AS (
		UPDATE refresh_families r SET revoked_at = $7, revoked_reason = $23, sweep_at = least($21, f.expires_at)
		FROM f WHERE r.id = f.id AND f.outcome = 'reused'
		RETURNING r.*
	), voided AS (
		INSERT INTO revocations AS r (kind, value, voids_before, expires_at, reason, xid)
		SELECT 'family', $22, $24, authserver_expired_after($20), $23, pg_current_xact_id() FROM f WHERE f.outcome = 'reused'` + grow + `
	)
	SELECT CASE WHEN f.outcome IN ('wrong client', 'wrong key', 'reused')
		THEN authserver_refused('refresh_token', f.outcome, $7, $3, f.client_id, f.user_id, $22, $19, u.username, $23, $2, f.generation)
		ELSE f.outcome END, moved.id IS NOT NULL OR ended.id IS NOT NULL, `
	rotateRow = `,
		f.id, f.client_id, f.user_id, f.scope, f.resources, coalesce(moved.generation, f.generation), f.created_at, f.client_not_before,
		f.user_not_before, coalesce(moved.rotated_at, f.rotated_at), coalesce(moved.idle_expires_at, f.idle_expires_at), f.expires_at,
		coalesce(ended.revoked_at, f.revoked_at), coalesce(ended.revoked_reason, f.revoked_reason), coalesce(moved.bound_to, f.bound_to), f.created_by,
		coalesce(moved.rotated_by, f.rotated_by), CASE WHEN f.generation = 0 OR ` + signInColumn + `, ` + userColumnNames + `
	FROM f JOIN users u ON u.id = f.user_id LEFT JOIN moved ON true LEFT JOIN ended ON true`
)

// rotateUsing is rotate for a request with single-use identifiers, from $25 on. The statement
// records them if the outcome is a token. If one was used before, nothing moves. That check comes
// before the check of reuse, because a client that sends the same request twice has not stolen the
// token.
func rotateUsing() string {
	return "WITH " + wanted(25) + ", " + //nolint:mnd // the parameter after those of rotate
		rotateFamily + rotateAlive + " WHEN (SELECT place FROM before) IS NOT NULL THEN 'used before'" + rotateRefused +
		spent("f.outcome IN ('graced', 'rotated')", "f") + ", " +
		rotateMove + " AND " + firstReplay + " = 0" + rotateSaid + firstReplay + rotateRow
}

// clockOrNull returns nil for an unknown clock, because NULL equals no other clock.
func clockOrNull(id store.ClockID) *int32 {
	if id == 0 {
		return nil
	}
	return (*int32)(&id)
}

// Rotate decides and moves in one statement. A second one follows only if the first did not move.
func (d *DB) Rotate(ctx context.Context, r store.Rotation) (store.RotationResult, error) {
	const doing = "rotate a refresh token"
	now := store.At(r.Now)
	candidates := candidateValues(r.Candidates)
	args := []any{
		r.ID[:], int64(r.Generation), r.ClientID, orNever(r.ClientNotBefore), listOrNull(r.Scope),
		listOrNull(r.Resources), orNever(now), r.Grace, orNever(now.Add(r.Idle)), list(r.Proved), orNull(r.Binds),
		clockOrNull(r.Clock.ID), r.Clock.Skew, int64(r.Next()), candidates.ids,
		candidates.kinds, candidates.knowing, candidates.scopes, orNull(r.RequestID),
		orNever(r.Voids.IssuedUntil), orNever(now.Add(store.KeepRevoked)), r.Voids.Value, r.Voids.Reason, orNever(r.Voids.Before),
	}
	decides := statement{rotate, args}
	if len(r.Uses) > 0 {
		if of, twice := store.Repeated(r.Uses); twice {
			return store.RotationResult{Outcome: store.UsedBefore, Replay: of}, nil
		}
		decides = statement{rotateUsing(), append(args, useValues(r.Uses)...)}
	} else if alike(r) {
		return d.decide(ctx, doing, r.ID, statement{rotateAtOnce, args[:15:15]}, decides)
	}
	return d.decide(ctx, doing, r.ID, decides)
}

// putBack moves the family back to its state before a rotation, unless the family has changed
// since. FOR UPDATE waits for the rotation itself if it is still under way.
//
// $1 family, $2 the generation that it moved to, $3 when it was rotated, $4 by which
// clock, $5 whether it was graced, which moved nothing, $6 and $7 the uses
const putBack = `WITH f AS MATERIALIZED (
		SELECT id, generation = $2 AND rotated_at = $3 AND rotated_by = $4 AS moved FROM refresh_families WHERE id = $1 FOR UPDATE
	), back AS (
		UPDATE refresh_families r SET generation = r.prior_generation, rotated_at = nullif(r.prior_rotated_at, '-infinity'), rotated_by = r.prior_rotated_by,
			idle_expires_at = r.prior_idle_expires_at, bound_to = CASE WHEN r.bound_anew THEN NULL ELSE r.bound_to END
		FROM f WHERE r.id = f.id AND f.moved AND NOT $5
		RETURNING r.id
	)
	DELETE FROM used_assertions u USING unnest($6::text[], $7::bytea[]) AS w (issuer, id)
	WHERE u.issuer = w.issuer AND u.id = w.id AND ($5 OR EXISTS (SELECT FROM back))`

// PutBack undoes a rotation whose answer the client did not get.
func (d *DB) PutBack(ctx context.Context, r store.Rotation, was store.Outcome) error {
	issuers, ids := make([]string, len(r.Uses)), make([][]byte, len(r.Uses))
	for i, u := range r.Uses {
		issuers[i], ids[i] = u.Issuer, u.ID[:]
	}
	_, err := d.execTogether(ctx, "put a refresh token back", familyLock(r.ID), putBack,
		r.ID[:], int64(r.Next()), orNever(store.At(r.Now)), int32(r.Clock.ID), was == store.Graced, issuers, ids)
	return err
}

// candidateColumns has the candidates as the parameters of a rotation.
type candidateColumns struct {
	ids             []string
	kinds           []int32
	knowing, scopes []string // a candidate for each scope that it lists
}

func candidateValues(candidates []store.Candidate) candidateColumns {
	v := candidateColumns{[]string{}, []int32{}, []string{}, []string{}}
	for _, c := range candidates {
		v.ids, v.kinds = append(v.ids, c.Resource), append(v.kinds, int32(c.Kind)) //nolint:gosec // G115: there are few
		for _, scope := range c.Scope {
			v.knowing, v.scopes = append(v.knowing, c.Resource), append(v.scopes, scope)
		}
	}
	return v
}
