package sqlite

import (
	"context"

	"authserver/internal/events"
	"authserver/internal/oauth"
	"authserver/internal/store"
)

const selectClients = `SELECT id, name, auth_methods, secrets, grants, scopes, default_scopes, resources, serves,
	roles, permissions, claims, refresh_idle_us, refresh_max_us, disabled, not_before,
	jwks, jwks_uri, certificates, tls_subject_kind, tls_subject, endpoint_audience, assert_users, assert_roles, impersonates,
	dpop_bound, tls_bound, tls_unbound, allow_repeat, assertion_algs, profile, version, created_at, updated_at
	FROM clients`

func clientColumns(c *store.Client) []any {
	return []any{
		&c.ID, &c.Name, array[[]oauth.AuthMethod]{&c.AuthMethods}, array[[]store.ClientSecret]{&c.Secrets},
		array[[]oauth.GrantType]{&c.Grants}, array[oauth.Scope]{&c.Scopes}, nullable[oauth.Scope]{&c.DefaultScopes},
		array[[]string]{&c.Resources}, array[[]string]{&c.Serves}, array[[]string]{&c.Roles}, array[[]string]{&c.Permissions},
		array[map[string]any]{&c.Claims}, duration{&c.RefreshIdle}, duration{&c.RefreshMax}, &c.Disabled,
		moment{&c.NotBefore}, rawJSON{&c.JWKS}, text{&c.JWKSURI}, nullable[[][]byte]{&c.Certificates},
		text{(*string)(&c.TLSSubject.Kind)}, text{&c.TLSSubject.Value}, &c.EndpointAudience,
		array[[]string]{&c.AssertUsers}, array[[]string]{&c.AssertRoles}, array[[]string]{&c.Impersonates},
		&c.DPoPBound, &c.TLSBound, &c.TLSUnbound, &c.AllowRepeat, array[[]string]{&c.AssertionAlgs}, (*string)(&c.Profile),
		&c.Version, moment{&c.CreatedAt}, moment{&c.UpdatedAt},
	}
}

// clientValues are the parameters 1 to 32 of an insert or update.
func clientValues(c store.Client) []any {
	return []any{
		c.ID, c.Name, list(c.AuthMethods), list(c.Secrets),
		list(c.Grants), list(c.Scopes), listOrNull(c.DefaultScopes),
		list(c.Resources), list(c.Serves), list(c.Roles), list(c.Permissions),
		object(c.Claims), c.RefreshIdle.Microseconds(), c.RefreshMax.Microseconds(), c.Disabled,
		micros(c.NotBefore), orNull(string(c.JWKS)), orNull(c.JWKSURI), listOrNull(c.Certificates),
		orNull(string(c.TLSSubject.Kind)), orNull(c.TLSSubject.Value), c.EndpointAudience,
		list(c.AssertUsers), list(c.AssertRoles), list(c.Impersonates), c.DPoPBound, c.TLSBound, c.TLSUnbound, c.AllowRepeat,
		list(c.AssertionAlgs), string(c.Profile), micros(c.UpdatedAt),
	}
}

// Client returns the client with this identifier, or ErrNotFound.
func (d *DB) Client(ctx context.Context, id string) (store.Client, error) {
	return one(ctx, d, "read a client", clientColumns, selectClients+" WHERE id = ?", id)
}

// ListClients returns clients in the order of their identifiers.
func (d *DB) ListClients(ctx context.Context, p store.Page) ([]store.Client, error) {
	return page(ctx, d, "list clients", p, clientColumns, selectClients, "id", "id", "name")
}

// CreateClient adds a client, or returns ErrExists.
func (d *DB) CreateClient(ctx context.Context, c store.Client, by store.Change) error {
	if c.NotBefore.IsZero() {
		c.NotBefore = c.CreatedAt
	}
	return d.changeBy(ctx, "create a client", by, func(ctx context.Context, tx *transaction) (store.Event, error) {
		_, err := tx.exec(ctx, `INSERT INTO clients (id, name, auth_methods, secrets, grants, scopes, default_scopes,
				resources, serves, roles, permissions, claims, refresh_idle_us, refresh_max_us, disabled,
				not_before, jwks, jwks_uri, certificates, tls_subject_kind, tls_subject, endpoint_audience,
				assert_users, assert_roles, impersonates, dpop_bound, tls_bound, tls_unbound, allow_repeat,
				assertion_algs, profile, updated_at, created_at, version)
			VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16,
				?17, ?18, ?19, ?20, ?21, ?22, ?23, ?24, ?25, ?26, ?27, ?28, ?29, ?30, ?31, ?32, ?33, 1)`,
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
		_, err = tx.exec(ctx, `UPDATE clients SET name = ?2, auth_methods = ?3, secrets = ?4, grants = ?5, scopes = ?6,
				default_scopes = ?7, resources = ?8, serves = ?9, roles = ?10, permissions = ?11, claims = ?12,
				refresh_idle_us = ?13, refresh_max_us = ?14, disabled = ?15, not_before = ?16,
				jwks = ?17, jwks_uri = ?18, certificates = ?19, tls_subject_kind = ?20, tls_subject = ?21,
				endpoint_audience = ?22, assert_users = ?23, assert_roles = ?24, impersonates = ?25,
				dpop_bound = ?26, tls_bound = ?27, tls_unbound = ?28, allow_repeat = ?29,
				assertion_algs = ?30, profile = ?31, updated_at = ?32, version = version + 1
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

// DeleteClient removes the client and leaves its families to the sweep:
// ErrNotFound where there is none.
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
