package postgres

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"

	"authserver/internal/store"
)

// SealedValues returns everything that is sealed under data keys.
func (d *DB) SealedValues(ctx context.Context) ([]store.SealedValue, error) {
	return all(ctx, d, "read what is sealed", func(v *store.SealedValue) []any { return []any{&v.Table, &v.ID, &v.Sealed} },
		`SELECT 'signing_keys', kid, sealed FROM signing_keys
		UNION ALL SELECT 'secret_keys', purpose || '/' || id, sealed FROM secret_keys
		UNION ALL SELECT 'issuers', id, sealed_secret FROM issuers WHERE sealed_secret IS NOT NULL
		ORDER BY 1, 2`)
}

// ReplaceSealed puts with in the place of v.Sealed. An issuer gets another
// version, so that who is about to update it does not put the old value back.
func (d *DB) ReplaceSealed(ctx context.Context, v store.SealedValue, with []byte) error {
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
	default:
		return fmt.Errorf("replace what is sealed: no table %q has sealed values", v.Table)
	}
	return d.change(ctx, "replace what is sealed", func(ctx context.Context, tx pgx.Tx) error {
		return replace(ctx, tx, there, v.ID, update, v.ID, v.Sealed, with)
	})
}
