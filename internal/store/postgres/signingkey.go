package postgres

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"

	"authserver/internal/store"
)

func signingKeyColumns(k *store.SigningKey) []any {
	return []any{
		&k.KID, &k.Alg, rawJSON{&k.PublicJWK}, &k.Sealed, &k.Predecessor, moment{&k.PublishedAt}, moment{&k.ActiveAt},
		moment{&k.RetiredAt}, moment{&k.RemovedAt}, moment{&k.LastUsedAt}, moment{&k.RevokedAt}, &k.Reason,
	}
}

// SigningKeys returns all keys that are not past RemovedAt at the moment given,
// oldest ActiveAt first.
func (d *DB) SigningKeys(ctx context.Context, now store.Moment) ([]store.SigningKey, error) {
	return all(ctx, d, "read signing keys", signingKeyColumns,
		`SELECT kid, alg, public_jwk, sealed, predecessor, published_at, active_at, retired_at, removed_at,
			last_used_at, revoked_at, reason
		FROM signing_keys WHERE removed_at IS NULL OR removed_at > $1 ORDER BY active_at, kid`, orNever(now))
}

// SucceedSigningKey adds next and retires its predecessor: ErrExists where that
// has a successor already, ErrNotFound where it is gone.
func (d *DB) SucceedSigningKey(ctx context.Context, next store.SigningKey, predecessorRemovedAt store.Moment) error {
	return d.change(ctx, "add a signing key", func(ctx context.Context, tx pgx.Tx) error {
		if next.Predecessor == "" {
			var taken bool
			err := tx.QueryRow(ctx, "SELECT EXISTS (SELECT FROM signing_keys WHERE alg = $1)", next.Alg).Scan(&taken)
			if err != nil {
				return err
			}
			if taken {
				return store.ErrExists
			}
		} else {
			// Where two succeed it at once, the second waits here for the first, and
			// fails below on the unique predecessor.
			err := execOne(ctx, tx, "UPDATE signing_keys SET retired_at = $1, removed_at = $2 WHERE kid = $3 AND alg = $4 AND revoked_at IS NULL",
				orNever(next.ActiveAt), orNever(predecessorRemovedAt), next.Predecessor, next.Alg)
			if err != nil {
				return err
			}
		}
		return insertSigningKey(ctx, tx, next)
	})
}

func insertSigningKey(ctx context.Context, tx pgx.Tx, k store.SigningKey) error {
	tag, err := tx.Exec(ctx, `INSERT INTO signing_keys (kid, alg, public_jwk, sealed, predecessor, published_at, active_at,
			retired_at, removed_at, last_used_at, revoked_at, reason)
		VALUES ($1, $2, $3::json, $4, $5, $6, $7, $8, $9, $10, $11, $12) ON CONFLICT DO NOTHING`,
		k.KID, k.Alg, string(k.PublicJWK), k.Sealed, k.Predecessor, orNever(k.PublishedAt),
		orNever(k.ActiveAt), orNever(k.RetiredAt), orNever(k.RemovedAt), orNever(k.LastUsedAt),
		orNever(k.RevokedAt), k.Reason)
	if err == nil && tag.RowsAffected() == 0 {
		return store.ErrExists // and its predecessor is as it was
	}
	return err
}

// RescheduleSigningKey moves the moment at which kid takes over: ErrConflict
// where it was moved meanwhile, ErrNotFound where it is gone.
func (d *DB) RescheduleSigningKey(ctx context.Context, kid string, from, to, predecessorRemovedAt store.Moment) error {
	return d.change(ctx, "reschedule a signing key", func(ctx context.Context, tx pgx.Tx) error {
		err := replace(ctx, tx, "SELECT FROM signing_keys WHERE kid = $1", kid,
			"UPDATE signing_keys SET active_at = $2 WHERE kid = $1 AND active_at = $3 AND revoked_at IS NULL", kid, orNever(to), orNever(from))
		if err != nil {
			return err
		}
		_, err = tx.Exec(ctx, `UPDATE signing_keys SET retired_at = $2, removed_at = $3
			WHERE kid = (SELECT predecessor FROM signing_keys WHERE kid = $1)`,
			kid, orNever(to), orNever(predecessorRemovedAt))
		return err
	})
}

// RecordKeyUse sets LastUsedAt of each kid, where that is later.
func (d *DB) RecordKeyUse(ctx context.Context, lastUsed map[string]store.Moment) error {
	if len(lastUsed) == 0 {
		return nil
	}
	var kids []string
	var moments []time.Time
	for kid, at := range lastUsed {
		kids, moments = append(kids, kid), append(moments, store.At(at))
	}
	// Rows are locked in one order, so that two replicas do not wait for each other.
	_, err := d.exec(ctx, "record the use of signing keys", `WITH used AS MATERIALIZED (
			SELECT k.kid, u.at FROM unnest($1::text[], $2::timestamptz[]) AS u (kid, at) JOIN signing_keys k ON k.kid = u.kid
			ORDER BY k.kid FOR NO KEY UPDATE OF k
		)
		UPDATE signing_keys k SET last_used_at = used.at FROM used
		WHERE k.kid = used.kid AND (k.last_used_at IS NULL OR k.last_used_at < used.at)`, kids, moments)
	return err
}
