package postgres

import (
	"context"

	"github.com/jackc/pgx/v5"

	"authserver/internal/events"
	"authserver/internal/oauth"
	"authserver/internal/store"
)

const selectResources = `SELECT id, name, scopes, access_token_ttl_us, signing_alg, claims, encryption_jwk, encryption_enc, token_typ,
	version, created_at, updated_at
	FROM resources`

func resourceColumns(r *store.Resource) []any {
	return []any{
		&r.ID, &r.Name, array[oauth.Scope, string]{&r.Scopes}, duration{&r.AccessTokenTTL}, &r.SigningAlg,
		document[map[string]any]{&r.Claims}, rawJSON{&r.EncryptionJWK}, &r.EncryptionEnc, &r.TokenTyp, &r.Version, moment{&r.CreatedAt}, moment{&r.UpdatedAt},
	}
}

// resourceValues are the parameters 1 to 10 of an insert or update.
func resourceValues(r store.Resource) []any {
	return []any{
		r.ID, r.Name, list(r.Scopes), r.AccessTokenTTL.Microseconds(), r.SigningAlg, object(r.Claims),
		orNull(string(r.EncryptionJWK)), r.EncryptionEnc, r.TokenTyp, orNever(r.UpdatedAt),
	}
}

// Resource returns the resource with this identifier, or ErrNotFound.
func (d *DB) Resource(ctx context.Context, id string) (store.Resource, error) {
	return one(ctx, d, "read a resource", resourceColumns, selectResources+" WHERE id = $1", id)
}

// ListResources returns resources in the order of their identifiers.
func (d *DB) ListResources(ctx context.Context, p store.Page) ([]store.Resource, error) {
	return page(ctx, d, "list resources", p, resourceColumns, selectResources, "id", "id", "name")
}

// SigningAlgs returns the algorithms that resources are registered for, each once
// and sorted.
func (d *DB) SigningAlgs(ctx context.Context) ([]string, error) {
	return all(ctx, d, "read the algorithms of resources", func(alg *string) []any { return []any{alg} },
		`SELECT DISTINCT signing_alg COLLATE "C" FROM resources ORDER BY 1`)
}

// CreateResource adds a resource, or returns ErrExists.
func (d *DB) CreateResource(ctx context.Context, r store.Resource, by store.Change) error {
	return d.changeBy(ctx, "create a resource", by, func(ctx context.Context, tx pgx.Tx) (store.Event, error) {
		_, err := tx.Exec(ctx, `INSERT INTO resources (id, name, scopes, access_token_ttl_us, signing_alg, claims,
			encryption_jwk, encryption_enc, token_typ, updated_at, created_at, version)
		VALUES ($1, $2, $3, $4, $5, $6::jsonb, $7::json, $8, $9, $10, $11, 1)`,
			append(resourceValues(r), orNever(r.CreatedAt))...)
		if err != nil {
			return store.Event{}, err
		}
		return events.Resource(by, nil, &r)
	})
}

// UpdateResource replaces the resource whose ID and Version are r's: ErrNotFound
// or ErrConflict.
func (d *DB) UpdateResource(ctx context.Context, r store.Resource, by store.Change) error {
	return d.changeBy(ctx, "update a resource", by, func(ctx context.Context, tx pgx.Tx) (store.Event, error) {
		before, err := locked(ctx, tx, resourceColumns, selectResources+" WHERE id = $1", r.ID)
		if err != nil {
			return store.Event{}, err
		}
		if before.Version != r.Version {
			return store.Event{}, store.ErrConflict
		}
		_, err = tx.Exec(ctx, `UPDATE resources SET name = $2, scopes = $3, access_token_ttl_us = $4, signing_alg = $5, claims = $6::jsonb,
				encryption_jwk = $7::json, encryption_enc = $8, token_typ = $9, updated_at = $10, version = version + 1
			WHERE id = $1`, resourceValues(r)...)
		if err != nil {
			return store.Event{}, err
		}

		return events.Resource(by, before, &r)
	})
}

// DeleteResource removes a resource: ErrNotFound where there is none.
func (d *DB) DeleteResource(ctx context.Context, id string, by store.Change) error {
	return d.changeBy(ctx, "delete a resource", by, func(ctx context.Context, tx pgx.Tx) (store.Event, error) {
		before, err := locked(ctx, tx, resourceColumns, selectResources+" WHERE id = $1", id)
		if err != nil {
			return store.Event{}, err
		}
		if _, err := tx.Exec(ctx, "DELETE FROM resources WHERE id = $1", id); err != nil {
			return store.Event{}, err
		}
		return events.Resource(by, before, nil)
	})
}
