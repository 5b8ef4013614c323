package postgres

import (
	"context"

	"github.com/jackc/pgx/v5"

	"authserver/internal/events"
	"authserver/internal/store"
)

// KeyPlan returns the keys that are not past RemovedAt at a moment, and the lifetimes by which they
// are planned.
func (d *DB) KeyPlan(ctx context.Context, now store.Moment) (plan store.KeyPlan, err error) {
	const doing = "read the signing keys"
	// Read the version first: if the plan changes in between, ChangeKeyPlan notices that.
	plan.Version, err = one(ctx, d, doing, func(v *int64) []any { return []any{v} }, "SELECT version FROM key_plan")
	if err != nil {
		return store.KeyPlan{}, err
	}
	plan.Keys, err = all(ctx, d, doing, signingKeyColumns,
		selectSigningKeys+` WHERE removed_at IS NULL OR removed_at > $1 ORDER BY active_at, kid`, orNever(now))
	if err != nil {
		return store.KeyPlan{}, err
	}
	plan.Lifetimes, err = all(ctx, d, doing, lifetimeColumns,
		`SELECT server, rotation_interval_us, jwks_max_age_us, poll_interval_us, clock_skew_us, max_token_ttl_us, kept_until
		FROM lifetimes ORDER BY server`)
	if err != nil {
		return store.KeyPlan{}, err
	}
	return plan, nil
}

func lifetimeColumns(l *store.Lifetimes) []any {
	return []any{
		&l.Server, duration{&l.RotationInterval}, duration{&l.JWKSMaxAge}, duration{&l.PollInterval}, duration{&l.ClockSkew},
		duration{&l.MaxTokenTTL}, moment{&l.KeptUntil},
	}
}

// ChangeKeyPlan carries out a change, or returns ErrConflict if the plan has another version by
// now. Of two concurrent plans the second waits for the first at the row of the version.
func (d *DB) ChangeKeyPlan(ctx context.Context, change store.KeyPlanChange, by store.Change) error {
	const doing = "change the signing keys"
	if err := by.Check(); err != nil {
		return fault(doing, err)
	}
	return d.change(ctx, doing, func(ctx context.Context, tx pgx.Tx) error {
		tag, err := tx.Exec(ctx, "UPDATE key_plan SET version = version + 1 WHERE version = $1", change.Version)
		if err != nil {
			return err
		}
		if tag.RowsAffected() == 0 {
			return store.ErrConflict
		}
		for _, k := range change.Update {
			if err := updateSigningKey(ctx, tx, k, by); err != nil {
				return err
			}
		}
		for _, k := range change.Add {
			if err := addSigningKey(ctx, tx, k, k.KID == change.Brought, by); err != nil {
				return err
			}
		}
		return nil
	})
}

func updateSigningKey(ctx context.Context, tx pgx.Tx, k store.SigningKey, by store.Change) error {
	before, err := locked(ctx, tx, signingKeyColumns, selectSigningKeys+" WHERE kid = $1", k.KID)
	if err != nil {
		return err
	}
	_, err = tx.Exec(ctx, `UPDATE signing_keys SET certificates = $2, predecessor = $3, published_at = $4, active_at = $5,
			retired_at = $6, removed_at = $7, revoked_at = $8, reason = $9
		WHERE kid = $1`,
		k.KID, k.Certificates, k.Predecessor, orNever(k.PublishedAt), orNever(k.ActiveAt),
		orNever(k.RetiredAt), orNever(k.RemovedAt), orNever(k.RevokedAt), k.Reason)
	if err != nil {
		return err
	}
	k.Alg = before.Alg // an update does not change it
	e, err := events.SigningKey(by, before, k, false)
	if err != nil {
		return err
	}
	return record(ctx, tx, e)
}

func addSigningKey(ctx context.Context, tx pgx.Tx, k store.SigningKey, brought bool, by store.Change) error {
	_, err := tx.Exec(ctx, `INSERT INTO signing_keys (kid, alg, public_jwk, sealed, certificates, predecessor, published_at, active_at,
			retired_at, removed_at, last_used_at, revoked_at, reason)
		VALUES ($1, $2, $3::json, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)`,
		k.KID, k.Alg, string(k.PublicJWK), k.Sealed, k.Certificates, k.Predecessor, orNever(k.PublishedAt),
		orNever(k.ActiveAt), orNever(k.RetiredAt), orNever(k.RemovedAt), orNever(k.LastUsedAt),
		orNever(k.RevokedAt), k.Reason)
	if err != nil {
		return err
	}
	e, err := events.SigningKey(by, nil, k, brought)
	if err != nil {
		return err
	}
	return record(ctx, tx, e)
}

// PromiseLifetimes records the lifetimes that l.Server uses until l.KeptUntil. It locks the version
// of the plan first, so that it waits for a change of the plan, and a later change finds another
// version.
func (d *DB) PromiseLifetimes(ctx context.Context, l store.Lifetimes, now store.Moment) error {
	return d.change(ctx, "record the lifetimes", func(ctx context.Context, tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, "SELECT FROM key_plan FOR UPDATE"); err != nil {
			return err
		}
		values := []any{
			l.Server, l.RotationInterval.Microseconds(), l.JWKSMaxAge.Microseconds(), l.PollInterval.Microseconds(),
			l.ClockSkew.Microseconds(), l.MaxTokenTTL.Microseconds(), orNever(l.KeptUntil),
		}
		tag, err := tx.Exec(ctx, `UPDATE lifetimes SET kept_until = $7
			WHERE server = $1 AND rotation_interval_us = $2 AND jwks_max_age_us = $3 AND poll_interval_us = $4
				AND clock_skew_us = $5 AND max_token_ttl_us = $6 AND kept_until > $8`, append(values, orNever(now))...)
		if err != nil || tag.RowsAffected() > 0 {
			return err
		}
		// This waits for transactions that have read the lifetimes to decide how long to keep a
		// revocation. They revoke no token of this server.
		if _, err := tx.Exec(ctx, "LOCK TABLE lifetimes IN EXCLUSIVE MODE"); err != nil {
			return err
		}
		_, err = tx.Exec(ctx, `INSERT INTO lifetimes (server, rotation_interval_us, jwks_max_age_us, poll_interval_us, clock_skew_us,
				max_token_ttl_us, kept_until)
			VALUES ($1, $2, $3, $4, $5, $6, $7)
			ON CONFLICT (server) DO UPDATE SET rotation_interval_us = $2, jwks_max_age_us = $3, poll_interval_us = $4,
				clock_skew_us = $5, max_token_ttl_us = $6, kept_until = $7`, values...)
		if err != nil {
			return err
		}
		if _, err := tx.Exec(ctx, "UPDATE key_plan SET version = version + 1"); err != nil {
			return err
		}
		_, err = tx.Exec(ctx, "SELECT pg_notify('authserver', 'keys')")
		return err
	})
}
