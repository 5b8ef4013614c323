package sqlite

import (
	"context"

	"authserver/internal/events"
	"authserver/internal/store"
)

const selectClients = "SELECT id, name, secrets, not_before, document, version, created_at, updated_at FROM clients"

func clientColumns(c *store.Client) []any {
	return []any{
		&c.ID, &c.Name, array[[]store.ClientSecret]{&c.Secrets}, moment{&c.NotBefore}, kept{"clients", &c.ID, c}, &c.Version,
		moment{&c.CreatedAt}, moment{&c.UpdatedAt},
	}
}

// clientValues are the parameters 1 to 6 of an insert or update.
func clientValues(c store.Client) []any {
	return []any{c.ID, c.Name, list(c.Secrets), micros(c.NotBefore), keeping{c}, micros(c.UpdatedAt)}
}

// Client returns the client with this identifier, or ErrNotFound.
func (d *DB) Client(ctx context.Context, id string) (store.Client, error) {
	return one(ctx, d, "read a client", clientColumns, selectClients+" WHERE id = ?", id)
}

// ListClients returns clients in the order of their identifiers.
func (d *DB) ListClients(ctx context.Context, p store.Page) ([]store.Client, error) {
	return listing[store.Client]{"list clients", clientColumns, selectClients, "id", []string{"id", "name"}}.page(ctx, d, p)
}

// CreateClient adds a client, or returns ErrExists.
func (d *DB) CreateClient(ctx context.Context, c store.Client, by store.Change) error {
	if c.NotBefore.IsZero() {
		c.NotBefore = c.CreatedAt
	}
	return d.changeBy(ctx, "create a client", by, func(ctx context.Context, tx *transaction) (store.Event, error) {
		_, err := tx.exec(ctx, `INSERT INTO clients (id, name, secrets, not_before, document, updated_at, created_at, version)
			VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, 1)`,
			append(clientValues(c), micros(c.CreatedAt))...)
		if err != nil {
			return store.Event{}, err
		}
		err = tx.row(ctx, `UPDATE clients SET not_before = max(not_before,
				coalesce((SELECT max(voids_before) FROM revocations WHERE kind IN ('user', 'client') AND value = ?1), not_before),
				coalesce((SELECT deleted_at FROM deleted_clients WHERE client_id = ?1), not_before))
			WHERE id = ?1 RETURNING not_before`, c.ID).Scan(moment{&c.NotBefore})
		if err != nil {
			return store.Event{}, err
		}
		v := by.Voids
		v.Before = c.NotBefore
		if err := revoke(ctx, tx, v); err != nil {
			return store.Event{}, err
		}
		return events.Client(by, nil, &c)
	})
}

// UpdateClient replaces the client whose ID and Version are c's: ErrNotFound or
// ErrConflict.
func (d *DB) UpdateClient(ctx context.Context, c store.Client, by store.Change) error {
	return d.changeBy(ctx, "update a client", by, func(ctx context.Context, tx *transaction) (store.Event, error) {
		before, err := read(ctx, tx, clientColumns, selectClients+" WHERE id = ?", c.ID)
		if err != nil {
			return store.Event{}, err
		}
		if before.Version != c.Version {
			return store.Event{}, store.ErrConflict
		}
		_, err = tx.exec(ctx, `UPDATE clients SET name = ?2, secrets = ?3, not_before = ?4, document = ?5, updated_at = ?6,
				version = version + 1
			WHERE id = ?1`, clientValues(c)...)
		if err != nil {
			return store.Event{}, err
		}
		if err := revoke(ctx, tx, by.Voids); err != nil {
			return store.Event{}, err
		}
		return events.Client(by, before, &c)
	})
}

// DeleteClient removes the client and leaves its families to the sweep: ErrNotFound if there is
// none.
func (d *DB) DeleteClient(ctx context.Context, id string, by store.Change) error {
	return d.changeBy(ctx, "delete a client", by, func(ctx context.Context, tx *transaction) (store.Event, error) {
		before, err := read(ctx, tx, clientColumns, selectClients+" WHERE id = ?", id)
		if err != nil {
			return store.Event{}, err
		}
		voids, err := revokeDeleted(ctx, tx, by.Voids, tx.row(ctx, "DELETE FROM clients WHERE id = ? RETURNING not_before", id))
		if err != nil {
			return store.Event{}, err
		}
		_, err = tx.exec(ctx, `INSERT INTO deleted_clients (client_id, deleted_at) VALUES (?, ?)
			ON CONFLICT (client_id) DO UPDATE SET deleted_at = max(deleted_at, excluded.deleted_at)`,
			id, micros(voids.Before))
		if err != nil {
			return store.Event{}, err
		}
		return events.Client(by, before, nil)
	})
}
