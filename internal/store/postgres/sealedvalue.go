package postgres

import (
	"context"
	"encoding/base64"
	"fmt"
	"maps"
	"strings"

	"github.com/jackc/pgx/v5"

	"authserver/internal/events"
	"authserver/internal/store"
)

// SealedValues returns everything that is sealed under data keys.
func (d *DB) SealedValues(ctx context.Context) ([]store.SealedValue, error) {
	return all(ctx, d, "read what is sealed", func(v *store.SealedValue) []any { return []any{&v.Table, &v.ID, &v.Sealed} },
		`SELECT 'signing_keys', kid, sealed FROM signing_keys
		UNION ALL SELECT 'secret_keys', purpose || '/' || id, sealed FROM secret_keys
		UNION ALL SELECT 'issuers', id, sealed_secret FROM issuers WHERE sealed_secret IS NOT NULL
		UNION ALL SELECT 'clients', c.id || '/' || (s ->> 'id'), decode(s ->> 'hash', 'base64')
			FROM clients c, jsonb_array_elements(c.secrets) s WHERE s ->> 'kind' = 'sealed'
		ORDER BY 1, 2`)
}

// ReplaceSealed replaces v.Sealed by with. An issuer or client gets another version, so
// that a concurrent update does not put the old value back.
func (d *DB) ReplaceSealed(ctx context.Context, v store.SealedValue, with []byte, by store.Change) error {
	var there, update string
	switch v.Table {
	case "signing_keys":
		there, update = "SELECT FROM signing_keys WHERE kid = $1", "UPDATE signing_keys SET sealed = $3 WHERE kid = $1 AND sealed = $2"
	case "secret_keys":
		there = "SELECT FROM secret_keys WHERE purpose || '/' || id = $1"
		update = "UPDATE secret_keys SET sealed = $3 WHERE purpose || '/' || id = $1 AND sealed = $2"
	case "issuers":
		there = "SELECT FROM issuers WHERE id = $1"
		update = "UPDATE issuers SET sealed_secret = $3, version = version + 1 WHERE id = $1 AND sealed_secret = $2"
	case "clients":
		return d.replaceClientSecret(ctx, v, with, by)
	default:
		return fmt.Errorf("replace what is sealed: no table %q has sealed values", v.Table)
	}
	return d.changeBy(ctx, "replace what is sealed", by, func(ctx context.Context, tx pgx.Tx) (store.Event, error) {
		return events.Sealed(by, v), replace(ctx, tx, there, v.ID, update, v.ID, v.Sealed, with)
	})
}

// replaceClientSecret finds the secret of a client by its sealed value, and leaves the others
// unchanged.
func (d *DB) replaceClientSecret(ctx context.Context, v store.SealedValue, with []byte, by store.Change) error {
	slash := max(strings.LastIndexByte(v.ID, '/'), 0) // the ID of a client may contain a slash, but not that of a secret
	client := v.ID[:slash]
	secret := map[string]any{"id": strings.TrimPrefix(v.ID[slash:], "/"), "kind": store.SecretSealed}
	there := asJSON{[]any{maps.Clone(secret)}}
	secret["hash"] = v.Sealed
	return d.changeBy(ctx, "replace what is sealed", by, func(ctx context.Context, tx pgx.Tx) (store.Event, error) {
		tag, err := tx.Exec(ctx, `UPDATE clients SET version = version + 1, secrets = jsonb_set(secrets,
				(SELECT ARRAY[(n - 1)::text, 'hash'] FROM jsonb_array_elements(secrets) WITH ORDINALITY AS s (secret, n)
					WHERE secret @> $2::jsonb LIMIT 1),
				to_jsonb($3::text))
			WHERE id = $1 AND secrets @> jsonb_build_array($2::jsonb)`,
			client, asJSON{secret}, base64.StdEncoding.EncodeToString(with))
		if err == nil && tag.RowsAffected() == 0 {
			err = moved(ctx, tx, "SELECT FROM clients WHERE id = $1 AND secrets @> $2::jsonb", client, there)
		}
		return events.Sealed(by, v), err
	})
}
