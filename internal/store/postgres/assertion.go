package postgres

import (
	"context"

	"authserver/internal/store"
)

// UseAssertion records that an assertion was used, or returns ErrExists.
func (d *DB) UseAssertion(ctx context.Context, issuer string, id [32]byte, expiresAt store.Moment) error {
	const doing = "record the use of an assertion"
	// DO NOTHING rather than an error of the server's, which would fill its log.
	n, err := d.execTogether(ctx, doing, "assertion "+issuer+" "+string(id[:]), `INSERT INTO used_assertions (issuer, id, expires_at) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING`,
		issuer, id[:], orNever(expiresAt))
	if err == nil && n == 0 {
		return fault(doing, store.ErrExists)
	}
	return err
}

// AssertionUsed reports whether an assertion was used.
func (d *DB) AssertionUsed(ctx context.Context, issuer string, id [32]byte) (bool, error) {
	return one(ctx, d, "look for the use of an assertion", func(used *bool) []any { return []any{used} },
		`SELECT EXISTS (SELECT 1 FROM used_assertions WHERE issuer = $1 AND id = $2)`, issuer, id[:])
}
