package sqlite

import (
	"context"

	"authserver/internal/events"
	"authserver/internal/store"
)

const selectSecretKeys = `SELECT purpose, id, sealed, created_at, coalesce(active_at, created_at), removed_at FROM secret_keys`

func secretKeyColumns(k *store.SecretKey) []any {
	return []any{&k.Purpose, &k.ID, &k.Sealed, moment{&k.CreatedAt}, moment{&k.ActiveAt}, moment{&k.RemovedAt}}
}

// SecretKeys returns the keys of a purpose, lowest ID first.
func (d *DB) SecretKeys(ctx context.Context, purpose string) ([]store.SecretKey, error) {
	return all(ctx, d, "read secret keys", secretKeyColumns,
		selectSecretKeys+` WHERE purpose = ? ORDER BY id`, purpose)
}

// CreateSecretKey adds a key, or returns ErrExists.
func (d *DB) CreateSecretKey(ctx context.Context, k store.SecretKey, by store.Change) error {
	return d.changeBy(ctx, "create a secret key", by, func(ctx context.Context, tx *transaction) (store.Event, error) {
		_, err := tx.exec(ctx, `INSERT INTO secret_keys (purpose, id, sealed, created_at, active_at, removed_at)
			VALUES (?, ?, ?, ?, ?, ?)`,
			k.Purpose, k.ID, k.Sealed, micros(k.CreatedAt), micros(k.ActiveAt), micros(k.RemovedAt))
		if err != nil {
			return store.Event{}, err
		}
		return events.SecretKey(by, nil, &k)
	})
}

// RescheduleSecretKey sets ActiveAt and RemovedAt, or returns ErrNotFound.
func (d *DB) RescheduleSecretKey(ctx context.Context, k store.SecretKey, by store.Change) error {
	return d.changeBy(ctx, "reschedule a secret key", by, func(ctx context.Context, tx *transaction) (store.Event, error) {
		before, err := read(ctx, tx, secretKeyColumns, selectSecretKeys+" WHERE purpose = ? AND id = ?", k.Purpose, k.ID)
		if err != nil {
			return store.Event{}, err
		}
		_, err = tx.exec(ctx, "UPDATE secret_keys SET active_at = ?, removed_at = ? WHERE purpose = ? AND id = ?",
			micros(k.ActiveAt), micros(k.RemovedAt), k.Purpose, k.ID)
		if err != nil {
			return store.Event{}, err
		}
		return events.SecretKey(by, before, &k)
	})
}

func dataKeyColumns(k *store.DataKey) []any {
	return []any{&k.ID, &k.MasterID, &k.Sealed, moment{&k.CreatedAt}}
}

// DataKeys returns all data keys, lowest ID and then MasterID first.
func (d *DB) DataKeys(ctx context.Context) ([]store.DataKey, error) {
	return all(ctx, d, "read data keys", dataKeyColumns,
		"SELECT id, master_id, sealed, created_at FROM data_keys ORDER BY id, master_id")
}

// CreateDataKeys adds all of the data keys, or none and returns ErrExists.
func (d *DB) CreateDataKeys(ctx context.Context, keys []store.DataKey, by store.Change) error {
	const doing = "create data keys"
	if err := by.Check(); err != nil {
		return fault(doing, err)
	}
	return d.change(ctx, doing, func(ctx context.Context, tx *transaction) error {
		for _, k := range keys {
			_, err := tx.exec(ctx, "INSERT INTO data_keys (id, master_id, sealed, created_at) VALUES (?, ?, ?, ?)",
				k.ID, k.MasterID, k.Sealed, micros(k.CreatedAt))
			if err != nil {
				return err
			}
			if err := record(ctx, tx, events.DataKey(by, k)); err != nil {
				return err
			}
		}
		return nil
	})
}

// DeleteDataKeys removes the rows with the IDs and MasterIDs of the keys.
func (d *DB) DeleteDataKeys(ctx context.Context, keys []store.DataKey, by store.Change) error {
	const doing = "delete data keys"
	if err := by.Check(); err != nil {
		return fault(doing, err)
	}
	return d.change(ctx, doing, func(ctx context.Context, tx *transaction) error {
		for _, k := range keys {
			n, err := tx.exec(ctx, "DELETE FROM data_keys WHERE id = ? AND master_id = ?", k.ID, k.MasterID)
			if err != nil {
				return err
			}
			if n == 0 {
				continue
			}
			if err := record(ctx, tx, events.DataKey(by, k)); err != nil {
				return err
			}
		}
		return nil
	})
}
