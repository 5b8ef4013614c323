package sqlite

import (
	"context"

	"authserver/internal/store"
)

const selectSigningKeys = `SELECT kid, alg, public_jwk, sealed, certificates, predecessor, published_at, active_at, retired_at, removed_at,
	last_used_at, revoked_at, reason
	FROM signing_keys`

func signingKeyColumns(k *store.SigningKey) []any {
	return []any{
		&k.KID, &k.Alg, rawJSON{&k.PublicJWK}, &k.Sealed, nullable[[][]byte]{&k.Certificates}, &k.Predecessor, moment{&k.PublishedAt},
		moment{&k.ActiveAt}, moment{&k.RetiredAt}, moment{&k.RemovedAt}, moment{&k.LastUsedAt}, moment{&k.RevokedAt}, &k.Reason,
	}
}

// RecordKeyUse sets LastUsedAt of each kid, if that makes it later.
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
