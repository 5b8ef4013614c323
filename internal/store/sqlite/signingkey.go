package sqlite

import (
	"context"

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
		FROM signing_keys WHERE removed_at IS NULL OR removed_at > ? ORDER BY active_at, kid`, micros(now))
}

// SucceedSigningKey adds next and retires its predecessor: ErrExists where that
// has a successor already, ErrNotFound where it is gone.
func (d *DB) SucceedSigningKey(ctx context.Context, next store.SigningKey, predecessorRemovedAt store.Moment) error {
	return d.change(ctx, "add a signing key", func(ctx context.Context, tx *transaction) error {
		if next.Predecessor == "" {
			taken, err := exists(ctx, tx, "SELECT 1 FROM signing_keys WHERE alg = ?", next.Alg)
			if err != nil {
				return err
			}
			if taken {
				return store.ErrExists
			}
		} else {
			err := execOne(ctx, tx, "UPDATE signing_keys SET retired_at = ?, removed_at = ? WHERE kid = ? AND alg = ? AND revoked_at IS NULL",
				micros(next.ActiveAt), micros(predecessorRemovedAt), next.Predecessor, next.Alg)
			if err != nil {
				return err
			}
		}
		return insertSigningKey(ctx, tx, next)
	})
}

func insertSigningKey(ctx context.Context, tx *transaction, k store.SigningKey) error {
	_, err := tx.exec(ctx, `INSERT INTO signing_keys (kid, alg, public_jwk, sealed, predecessor, published_at, active_at,
			retired_at, removed_at, last_used_at, revoked_at, reason)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
		k.KID, k.Alg, string(k.PublicJWK), k.Sealed, k.Predecessor, micros(k.PublishedAt),
		micros(k.ActiveAt), micros(k.RetiredAt), micros(k.RemovedAt), micros(k.LastUsedAt),
		micros(k.RevokedAt), k.Reason)
	return err
}

// RescheduleSigningKey moves the moment at which kid takes over: ErrConflict
// where it was moved meanwhile, ErrNotFound where it is gone.
func (d *DB) RescheduleSigningKey(ctx context.Context, kid string, from, to, predecessorRemovedAt store.Moment) error {
	return d.change(ctx, "reschedule a signing key", func(ctx context.Context, tx *transaction) error {
		n, err := tx.exec(ctx, "UPDATE signing_keys SET active_at = ? WHERE kid = ? AND active_at = ? AND revoked_at IS NULL",
			micros(to), kid, micros(from))
		if err != nil {
			return err
		}
		if n == 0 {
			return moved(ctx, tx, "SELECT 1 FROM signing_keys WHERE kid = ?", kid)
		}
		_, err = tx.exec(ctx, `UPDATE signing_keys SET retired_at = ?, removed_at = ?
			WHERE kid = (SELECT predecessor FROM signing_keys WHERE kid = ?)`,
			micros(to), micros(predecessorRemovedAt), kid)
		return err
	})
}

// RecordKeyUse sets LastUsedAt of each kid, where that is later.
func (d *DB) RecordKeyUse(ctx context.Context, lastUsed map[string]store.Moment) error {
	if len(lastUsed) == 0 {
		return nil
	}
	return d.change(ctx, "record the use of signing keys", func(ctx context.Context, tx *transaction) error {
		for kid, at := range lastUsed {
			_, err := tx.exec(ctx, `UPDATE signing_keys SET last_used_at = ?2
				WHERE kid = ?1 AND (last_used_at IS NULL OR last_used_at < ?2)`, kid, micros(at))
			if err != nil {
				return err
			}
		}
		return nil
	})
}
