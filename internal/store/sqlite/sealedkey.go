package sqlite

import (
	"context"

	"authserver/internal/store"
)

func secretKeyColumns(k *store.SecretKey) []any {
	return []any{&k.Purpose, &k.ID, &k.Sealed, moment{&k.CreatedAt}}
}

// SecretKeys returns the keys of a purpose, lowest ID first.
func (d *DB) SecretKeys(ctx context.Context, purpose string) ([]store.SecretKey, error) {
	return all(ctx, d, "read secret keys", secretKeyColumns,
		"SELECT purpose, id, sealed, created_at FROM secret_keys WHERE purpose = ? ORDER BY id", purpose)
}

// CreateSecretKey adds a key, or returns ErrExists.
func (d *DB) CreateSecretKey(ctx context.Context, k store.SecretKey) error {
	return d.change(ctx, "create a secret key", func(ctx context.Context, tx *transaction) error {
		_, err := tx.exec(ctx, "INSERT INTO secret_keys (purpose, id, sealed, created_at) VALUES (?, ?, ?, ?)",
			k.Purpose, k.ID, k.Sealed, micros(k.CreatedAt))
		return err
	})
}

func dataKeyColumns(k *store.DataKey) []any {
	return []any{&k.ID, &k.MasterID, &k.Sealed, moment{&k.CreatedAt}}
}

// DataKeys returns all data keys, lowest ID first.
func (d *DB) DataKeys(ctx context.Context) ([]store.DataKey, error) {
	return all(ctx, d, "read data keys", dataKeyColumns,
		"SELECT id, master_id, sealed, created_at FROM data_keys ORDER BY id")
}

// CreateDataKey adds a data key, or returns ErrExists.
func (d *DB) CreateDataKey(ctx context.Context, k store.DataKey) error {
	return d.change(ctx, "create a data key", func(ctx context.Context, tx *transaction) error {
		_, err := tx.exec(ctx, "INSERT INTO data_keys (id, master_id, sealed, created_at) VALUES (?, ?, ?, ?)",
			k.ID, k.MasterID, k.Sealed, micros(k.CreatedAt))
		return err
	})
}
