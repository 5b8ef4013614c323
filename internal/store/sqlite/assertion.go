package sqlite

import (
	"context"

	"authserver/internal/store"
)

// UseAssertion records that an assertion was used, or returns ErrExists.
func (d *DB) UseAssertion(ctx context.Context, issuer string, id [32]byte, expiresAt store.Moment) error {
	return d.change(ctx, "record the use of an assertion", func(ctx context.Context, tx *transaction) error {
		_, err := tx.exec(ctx, "INSERT INTO used_assertions (issuer, id, expires_at) VALUES (?, ?, ?)",
			issuer, id[:], micros(expiresAt))
		return err
	})
}

// AssertionUsed reports whether an assertion was used.
func (d *DB) AssertionUsed(ctx context.Context, issuer string, id [32]byte) (bool, error) {
	return one(ctx, d, "look for the use of an assertion", func(used *bool) []any { return []any{used} },
		"SELECT EXISTS (SELECT 1 FROM used_assertions WHERE issuer = ? AND id = ?)", issuer, id[:])
}
