package postgres

import (
	"context"
	"time"

	"authserver/internal/store"
)

const selectSigningKeys = `SELECT kid, alg, public_jwk, sealed, certificates, predecessor, published_at, active_at, retired_at, removed_at,
	last_used_at, revoked_at, reason
	FROM signing_keys`

func signingKeyColumns(k *store.SigningKey) []any {
	return []any{
		&k.KID, &k.Alg, rawJSON{&k.PublicJWK}, &k.Sealed, &k.Certificates, &k.Predecessor, moment{&k.PublishedAt},
		moment{&k.ActiveAt}, moment{&k.RetiredAt}, moment{&k.RemovedAt}, moment{&k.LastUsedAt}, moment{&k.RevokedAt}, &k.Reason,
	}
}

// RecordKeyUse sets LastUsedAt of each kid, if that makes it later.
func (d *DB) RecordKeyUse(ctx context.Context, lastUsed map[string]store.Moment) error {
	if len(lastUsed) == 0 {
		return nil
	}
	var kids []string
	var moments []time.Time
	for kid, at := range lastUsed {
		kids, moments = append(kids, kid), append(moments, store.At(at))
	}
	// The statement locks the rows in one order, so that two replicas do not wait for each other.
	err := d.exec(ctx, "record the use of signing keys", `WITH used AS MATERIALIZED (
			SELECT k.kid, u.at FROM unnest($1::text[], $2::timestamptz[]) AS u (kid, at) JOIN signing_keys k ON k.kid = u.kid
			ORDER BY k.kid FOR NO KEY UPDATE OF k
		)
		UPDATE signing_keys k SET last_used_at = used.at FROM used
		WHERE k.kid = used.kid AND (k.last_used_at IS NULL OR k.last_used_at < used.at)`, kids, moments)
	return err
}
