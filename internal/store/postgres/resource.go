package postgres

import (
	"context"

	"github.com/jackc/pgx/v5"

	"authserver/internal/events"
	"authserver/internal/store"
)

const selectResources = "SELECT id, name, document, version, created_at, updated_at FROM resources"

func resourceColumns(r *store.Resource) []any {
	return []any{&r.ID, &r.Name, kept{"resources", &r.ID, r}, &r.Version, moment{&r.CreatedAt}, moment{&r.UpdatedAt}}
}

// resourceValues are the parameters 1 to 4 of an insert or update.
func resourceValues(r store.Resource) []any {
	return []any{r.ID, r.Name, keeping{r}, orNever(r.UpdatedAt)}
}

// Resource returns the resource with this identifier, or ErrNotFound.
func (d *DB) Resource(ctx context.Context, id string) (store.Resource, error) {
	return one(ctx, d, "read a resource", resourceColumns, selectResources+" WHERE id = $1", id)
}

// ListResources returns resources in the order of their identifiers.
func (d *DB) ListResources(ctx context.Context, p store.Page) ([]store.Resource, error) {
	return listing[store.Resource]{"list resources", resourceColumns, selectResources, "id", []string{"id", "name"}}.page(ctx, d, p)
}

// SigningAlgs returns the algorithms for which resources and clients are registered, each once and
// sorted.
func (d *DB) SigningAlgs(ctx context.Context) ([]string, error) {
	return all(ctx, d, "read the algorithms of resources and clients", func(alg *string) []any { return []any{alg} },
		`SELECT alg COLLATE "C" FROM (SELECT document ->> 'signing_alg' AS alg FROM resources
			UNION SELECT document ->> 'id_token_signed_response_alg' FROM clients
			UNION SELECT document ->> 'userinfo_signed_response_alg' FROM clients) named
		WHERE alg IS NOT NULL ORDER BY 1`)
}

// CreateResource adds a resource, or returns ErrExists.
func (d *DB) CreateResource(ctx context.Context, r store.Resource, by store.Change) error {
	return d.changeBy(ctx, "create a resource", by, func(ctx context.Context, tx pgx.Tx) (store.Event, error) {
		_, err := tx.Exec(ctx, `INSERT INTO resources (id, name, document, updated_at, created_at, version)
			VALUES ($1, $2, $3::jsonb, $4, $5, 1)`,
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
		_, err = tx.Exec(ctx, `UPDATE resources SET name = $2, document = $3::jsonb, updated_at = $4, version = version + 1 WHERE id = $1`, resourceValues(r)...)
		if err != nil {
			return store.Event{}, err
		}

		return events.Resource(by, before, &r)
	})
}

// DeleteResource removes a resource: ErrNotFound if there is none.
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
