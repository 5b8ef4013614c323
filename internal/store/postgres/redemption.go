package postgres

import (
	"context"

	"authserver/internal/store"
)

// redeem decides and redeems in one statement, as rotate does.
//
// $1 family, $2 client, $3 the client's NotBefore, $4 redirect URI, $5 challenge, $6 the proved
// keys, $7 the key to bind the family to, $8 resources, $9 now, $10 idle until, $11 the clock that
// shows now, $12 the skew, $13 and $14 the candidates and their kinds, $15 access tokens may be
// issued until, $16 keep a revoked family until, $17 family in hex, $18 the reason of the
// revocation for a replay, $19 its voids_before, $20 the id of the request
const redeem = "WITH " + redeemAlive + redeemOutcome + redeemMove + redeemSaid + "0" + rotateRow

const (
	redeemAlive = `f AS MATERIALIZED (
		SELECT f.*, CASE
			WHEN f.client_id <> $2 THEN 'wrong client'
			WHEN f.revoked_at IS NOT NULL OR u.disabled OR f.user_not_before < u.not_before OR f.client_not_before < $3 THEN 'revoked'
			WHEN f.generation > 0 THEN 'replayed'
			WHEN f.idle_expires_at < f.expires_at AND f.idle_expires_at <= shows.rotated OR f.expires_at <= shows.created THEN 'expired'
			WHEN f.code ->> 'redirect_uri' <> $4 THEN 'wrong redirect uri'
			WHEN coalesce(f.code ->> 'challenge', '') <> $5 THEN 'wrong verifier'
			WHEN f.code ->> 'jkt' IS NOT NULL AND 'jkt:' || (f.code ->> 'jkt') <> ALL ($6::text[]) THEN 'wrong key'`
	redeemOutcome = `
			WHEN NOT $8::text[] <@ f.resources THEN 'resource exceeded'
			WHEN (
				SELECT min(c.kind) >= 0 AND min(c.kind) = max(c.kind) FROM unnest($13::text[], $14::int4[]) AS c (resource, kind)
				WHERE c.resource = ANY (f.resources)
			) IS NOT TRUE THEN 'unissuable'
			ELSE 'redeemed'
		END AS outcome
		FROM refresh_families f JOIN users u ON u.id = f.user_id CROSS JOIN LATERAL (SELECT
			$9::timestamptz - CASE WHEN f.rotated_by = $11 THEN interval '0' ELSE $12::interval END AS rotated,
			$9::timestamptz - CASE WHEN f.created_by = $11 THEN interval '0' ELSE $12::interval END AS created
		) shows
		WHERE f.id = $1
		FOR UPDATE OF f
	), `
	redeemMove = `moved AS (
		UPDATE refresh_families r SET generation = 1, rotated_at = $9, idle_expires_at = least($10, f.expires_at),
			bound_to = coalesce(f.bound_to, $7), rotated_by = coalesce($11, 0), prior_generation = f.generation,
			prior_rotated_at = coalesce(f.rotated_at, '-infinity'), prior_rotated_by = f.rotated_by,
			prior_idle_expires_at = f.idle_expires_at, bound_anew = f.bound_to IS NULL AND $7 IS NOT NULL
		FROM f WHERE r.id = f.id AND f.outcome = 'redeemed'`
	redeemSaid = `
		RETURNING r.*
	), ended AS (
		UPDATE refresh_families r SET revoked_at = $9, revoked_reason = $18, sweep_at = least($16, f.expires_at)
		FROM f WHERE r.id = f.id AND f.outcome = 'replayed'
		RETURNING r.*
	), voided AS (
		INSERT INTO revocations AS r (kind, value, voids_before, expires_at, reason, xid)
		SELECT 'family', $17, $19, authserver_expired_after($15), $18, pg_current_xact_id() FROM f WHERE f.outcome = 'replayed'` + grow + `
	)
	SELECT CASE WHEN f.outcome IN ('wrong client', 'replayed', 'wrong redirect uri', 'wrong verifier', 'wrong key')
		THEN authserver_refused('code', f.outcome, $9, $2, f.client_id, f.user_id, $17, $20, u.username, $18, NULL, f.generation)
		ELSE f.outcome END, moved.id IS NOT NULL OR ended.id IS NOT NULL, `
)

// redeemUsing is redeem for a request with single uses, from $21 on.
func redeemUsing() string {
	return "WITH " + wanted(21) + ", " + //nolint:mnd // the parameter after those of redeem
		redeemAlive + " WHEN (SELECT place FROM before) IS NOT NULL THEN 'used before'" + redeemOutcome +
		spent("f.outcome = 'redeemed'", "f") + ", " +
		redeemMove + " AND " + firstReplay + " = 0" + redeemSaid + firstReplay + rotateRow
}

// Redeem decides and moves in one statement.
func (d *DB) Redeem(ctx context.Context, r store.Redemption) (store.RotationResult, error) {
	now := store.At(r.Now)
	candidates := candidateValues(r.Candidates)
	args := []any{
		r.ID[:], r.ClientID, orNever(r.ClientNotBefore), r.RedirectURI, r.Challenge, list(r.Proved), orNull(r.Binds),
		listOrNull(r.Resources), orNever(now), orNever(now.Add(r.Idle)), clockOrNull(r.Clock.ID), r.Clock.Skew,
		candidates.ids, candidates.kinds, orNever(r.Voids.IssuedUntil), orNever(now.Add(store.KeepRevoked)), r.Voids.Value,
		r.Voids.Reason, orNever(r.Voids.Before), orNull(r.RequestID),
	}
	decides := statement{redeem, args}
	if len(r.Uses) > 0 {
		if of, twice := store.Repeated(r.Uses); twice {
			return store.RotationResult{Outcome: store.UsedBefore, Replay: of}, nil
		}
		decides = statement{redeemUsing(), append(args, useValues(r.Uses)...)}
	}
	return d.decide(ctx, "redeem an authorization code", r.ID, decides)
}
