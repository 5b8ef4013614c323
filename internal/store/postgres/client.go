package postgres

import (
	"context"

	"github.com/jackc/pgx/v5"

	"authserver/internal/oauth"
	"authserver/internal/store"
)

const selectClients = `SELECT id, name, auth_methods, secrets, grants, scopes, default_scopes, resources, serves,
	roles, permissions, claims, refresh_idle_us, refresh_max_us, disabled, not_before, version, created_at, updated_at
	FROM clients`

func clientColumns(c *store.Client) []any {
	return []any{
		&c.ID, &c.Name, array[[]oauth.AuthMethod, oauth.AuthMethod]{&c.AuthMethods}, document[[]store.ClientSecret]{&c.Secrets},
		array[[]oauth.GrantType, oauth.GrantType]{&c.Grants}, array[oauth.Scope, string]{&c.Scopes},
		nullable[oauth.Scope, string]{array[oauth.Scope, string]{&c.DefaultScopes}},
		array[[]string, string]{&c.Resources}, array[[]string, string]{&c.Serves},
		array[[]string, string]{&c.Roles}, array[[]string, string]{&c.Permissions},
		document[map[string]any]{&c.Claims}, duration{&c.RefreshIdle}, duration{&c.RefreshMax}, &c.Disabled,
		moment{&c.NotBefore}, &c.Version, moment{&c.CreatedAt}, moment{&c.UpdatedAt},
	}
}

// clientValues are the parameters 1 to 17 of an insert or update.
func clientValues(c store.Client) []any {
	return []any{
		c.ID, c.Name, list(c.AuthMethods), secrets(c.Secrets),
		list(c.Grants), list(c.Scopes), listOrNull(c.DefaultScopes),
		list(c.Resources), list(c.Serves), list(c.Roles), list(c.Permissions),
		object(c.Claims), c.RefreshIdle.Microseconds(), c.RefreshMax.Microseconds(), c.Disabled,
		orNever(c.NotBefore), orNever(c.UpdatedAt),
	}
}

// Client returns the client with this identifier, or ErrNotFound.
func (d *DB) Client(ctx context.Context, id string) (store.Client, error) {
	return one(ctx, d, "read a client", clientColumns, selectClients+" WHERE id = $1", id)
}

// ListClients returns clients in the order of their identifiers.
func (d *DB) ListClients(ctx context.Context, p store.Page) ([]store.Client, error) {
	return page(ctx, d, "list clients", p, clientColumns, selectClients+" WHERE id > $1 ORDER BY id LIMIT $2")
}

// CreateClient adds a client, or returns ErrExists.
func (d *DB) CreateClient(ctx context.Context, c store.Client) error {
	if c.NotBefore.IsZero() {
		c.NotBefore = c.CreatedAt
	}
	_, err := d.exec(ctx, "create a client", `INSERT INTO clients (id, name, auth_methods, secrets, grants, scopes, default_scopes,
			resources, serves, roles, permissions, claims, refresh_idle_us, refresh_max_us, disabled,
			not_before, updated_at, created_at, version)
		VALUES ($1, $2, $3, $4::jsonb, $5, $6, $7, $8, $9, $10, $11, $12::jsonb, $13, $14, $15, $16, $17, $18, 1)`,
		append(clientValues(c), orNever(c.CreatedAt))...)
	return err
}

// UpdateClient replaces the client whose ID and Version are c's: ErrNotFound or
// ErrConflict.
func (d *DB) UpdateClient(ctx context.Context, c store.Client, voids *store.Revocation) error {
	return d.change(ctx, "update a client", func(ctx context.Context, tx pgx.Tx) error {
		err := replace(ctx, tx, "SELECT FROM clients WHERE id = $1", c.ID,
			`UPDATE clients SET name = $2, auth_methods = $3, secrets = $4::jsonb, grants = $5, scopes = $6,
				default_scopes = $7, resources = $8, serves = $9, roles = $10, permissions = $11, claims = $12::jsonb,
				refresh_idle_us = $13, refresh_max_us = $14, disabled = $15, not_before = $16, updated_at = $17,
				version = version + 1
			WHERE id = $1 AND version = $18`,
			append(clientValues(c), c.Version)...)
		if err != nil || voids == nil {
			return err
		}
		return revoke(ctx, tx, *voids)
	})
}

// DeleteClient removes the client and leaves its families to the sweep:
// ErrNotFound where there is none.
func (d *DB) DeleteClient(ctx context.Context, id string, voids store.Revocation) error {
	return d.change(ctx, "delete a client", func(ctx context.Context, tx pgx.Tx) error {
		if err := execOne(ctx, tx, "DELETE FROM clients WHERE id = $1", id); err != nil {
			return err
		}
		_, err := tx.Exec(ctx, `INSERT INTO deleted_clients AS d (client_id, deleted_at) VALUES ($1, $2)
			ON CONFLICT (client_id) DO UPDATE SET deleted_at = greatest(d.deleted_at, excluded.deleted_at)`,
			id, orNever(voids.Before))
		if err != nil {
			return err
		}
		return revoke(ctx, tx, voids)
	})
}
