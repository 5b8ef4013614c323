package sqlite

import (
	"context"

	"authserver/internal/store"
)

// UseOnce records uses: all of them, or none and a [*store.ReplayedError].
func (d *DB) UseOnce(ctx context.Context, uses ...store.Use) error {
	return d.change(ctx, "record a use", func(ctx context.Context, tx *transaction) error { return use(ctx, tx, uses) })
}

// use records uses. If one was recorded before, it returns a ReplayedError, and the transaction is
// rolled back.
func use(ctx context.Context, tx *transaction, uses []store.Use) error {
	for i, u := range uses {
		n, err := tx.exec(ctx, "INSERT INTO used_assertions (issuer, id, expires_at) VALUES (?, ?, ?) ON CONFLICT DO NOTHING",
			u.Issuer, u.ID[:], micros(u.ExpiresAt))
		if err != nil {
			return err
		}
		if n == 0 {
			return &store.ReplayedError{Index: i}
		}
	}
	return nil
}

// forget removes uses, so that they can be made again.
func forget(ctx context.Context, tx *transaction, uses []store.Use) error {
	for _, u := range uses {
		if _, err := tx.exec(ctx, "DELETE FROM used_assertions WHERE issuer = ? AND id = ?", u.Issuer, u.ID[:]); err != nil {
			return err
		}
	}
	return nil
}

const selectUsed = "SELECT EXISTS (SELECT 1 FROM used_assertions WHERE issuer = ? AND id = ?)"

// usedBefore returns the position of the first use that was recorded before.
func usedBefore(ctx context.Context, tx *transaction, uses []store.Use) (of int, found bool, err error) {
	if of, found = store.Repeated(uses); found {
		return of, true, nil
	}
	for i, u := range uses {
		if err := tx.row(ctx, selectUsed, u.Issuer, u.ID[:]).Scan(&found); found || err != nil {
			return i, found, err
		}
	}
	return 0, false, nil
}

// AssertionUsed reports whether an assertion was used.
func (d *DB) AssertionUsed(ctx context.Context, issuer string, id [32]byte) (bool, error) {
	return one(ctx, d, "look for the use of an assertion", func(used *bool) []any { return []any{used} },
		selectUsed, issuer, id[:])
}
