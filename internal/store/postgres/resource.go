package postgres

import (
	"context"

	"github.com/jackc/pgx/v5"

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
func (d *DB) CreateResource(ctx context.Context, r store.Resource) error {
	err := d.exec(ctx, "create a resource", `INSERT INTO resources (id, name, scopes, access_token_ttl_us, signing_alg, claims,
			encryption_jwk, encryption_enc, token_typ, updated_at, created_at, version)
		VALUES ($1, $2, $3, $4, $5, $6::jsonb, $7::json, $8, $9, $10, $11, 1)`,
		append(resourceValues(r), orNever(r.CreatedAt))...)
	return err
}

// UpdateResource replaces the resource whose ID and Version are r's: ErrNotFound
// or ErrConflict.
func (d *DB) UpdateResource(ctx context.Context, r store.Resource) error {
	return d.change(ctx, "update a resource", func(ctx context.Context, tx pgx.Tx) error {
		return replace(ctx, tx, "SELECT FROM resources WHERE id = $1", r.ID,
			`UPDATE resources SET name = $2, scopes = $3, access_token_ttl_us = $4, signing_alg = $5, claims = $6::jsonb,
				encryption_jwk = $7::json, encryption_enc = $8, token_typ = $9, updated_at = $10, version = version + 1
			WHERE id = $1 AND version = $11`,
			append(resourceValues(r), r.Version)...)
	})
}

// DeleteResource removes a resource: ErrNotFound where there is none.
func (d *DB) DeleteResource(ctx context.Context, id string) error {
	return d.change(ctx, "delete a resource", func(ctx context.Context, tx pgx.Tx) error {
		return execOne(ctx, tx, "DELETE FROM resources WHERE id = $1", id)
	})
}
