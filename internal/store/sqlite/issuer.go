package sqlite

import (
	"cmp"
	"context"

	"authserver/internal/events"
	"authserver/internal/store"
)

const selectIssuers = "SELECT id, coalesce(iss, id), client_id, sealed_secret, document, version, created_at, updated_at FROM issuers"

func issuerColumns(i *store.Issuer) []any {
	return []any{
		&i.ID, &i.Iss, &i.ClientID, &i.SealedSecret, kept{"issuers", &i.ID, i}, &i.Version, moment{&i.CreatedAt}, moment{&i.UpdatedAt},
	}
}

// issuerValues are the parameters 1 to 5 of an insert or update.
func issuerValues(i store.Issuer) []any {
	return []any{i.ID, i.ClientID, blobOrNull(i.SealedSecret), keeping{i}, micros(i.UpdatedAt)}
}

// IssuersOf returns the registrations with this "iss", or ErrNotFound.
func (d *DB) IssuersOf(ctx context.Context, iss string) ([]store.Issuer, error) {
	const doing = "read the issuers of an iss"
	found, err := all(ctx, d, doing, issuerColumns, selectIssuers+" WHERE coalesce(iss, id) = ? ORDER BY id", iss)
	if err == nil && len(found) == 0 {
		return nil, fault(doing, store.ErrNotFound)
	}
	return found, err
}

// ownIss returns the iss of a registration if it is not the ID.
func ownIss(i store.Issuer) string {
	if i.Iss == i.ID {
		return ""
	}
	return i.Iss
}

// Issuer returns the registration with this ID, or ErrNotFound.
func (d *DB) Issuer(ctx context.Context, id string) (store.Issuer, error) {
	return one(ctx, d, "read an issuer", issuerColumns, selectIssuers+" WHERE id = ?", id)
}

// ListIssuers returns issuers in the order of their identifiers.
func (d *DB) ListIssuers(ctx context.Context, p store.Page) ([]store.Issuer, error) {
	return listing[store.Issuer]{"list issuers", issuerColumns, selectIssuers, "id", []string{"id", "iss"}}.page(ctx, d, p)
}

// EncryptionAlgs returns the encryption algorithms of issuers, each once and sorted.
func (d *DB) EncryptionAlgs(ctx context.Context) ([]string, error) {
	return all(ctx, d, "read the algorithms of issuers", func(alg *string) []any { return []any{alg} },
		`SELECT DISTINCT (document ->> 'encryption_alg') FROM issuers WHERE document ->> 'encryption_alg' <> '' ORDER BY 1`)
}

// CreateIssuer adds an issuer: ErrExists, ErrNameTaken or ErrConflict.
func (d *DB) CreateIssuer(ctx context.Context, i store.Issuer, by store.Change, siblings ...store.Issuer) error {
	return d.changeBy(ctx, "create an issuer", by, func(ctx context.Context, tx *transaction) (store.Event, error) {
		if err := checkSiblings(ctx, tx, cmp.Or(i.Iss, i.ID), i.ID, siblings); err != nil {
			return store.Event{}, err
		}
		_, err := tx.exec(ctx, `INSERT INTO issuers (id, client_id, sealed_secret, document, updated_at, created_at, iss, version)
			VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, 1)`,
			append(issuerValues(i), micros(i.CreatedAt), orNull(ownIss(i)))...)
		if err != nil {
			return store.Event{}, err
		}
		return events.Issuer(by, nil, &i)
	})
}

// UpdateIssuer replaces the issuer whose ID and Version are i's: ErrNotFound, ErrConflict or
// ErrNameTaken.
func (d *DB) UpdateIssuer(ctx context.Context, i store.Issuer, by store.Change, siblings ...store.Issuer) error {
	return d.changeBy(ctx, "update an issuer", by, func(ctx context.Context, tx *transaction) (store.Event, error) {
		before, err := read(ctx, tx, issuerColumns, selectIssuers+" WHERE id = ?", i.ID)
		if err != nil {
			return store.Event{}, err
		}
		if before.Version != i.Version {
			return store.Event{}, store.ErrConflict
		}
		if err := checkSiblings(ctx, tx, before.Iss, i.ID, siblings); err != nil {
			return store.Event{}, err
		}
		_, err = tx.exec(ctx, `UPDATE issuers SET client_id = ?2, sealed_secret = ?3, document = ?4, updated_at = ?5,
				version = version + 1
			WHERE id = ?1`, issuerValues(i)...)
		if err != nil {
			return store.Event{}, err
		}
		i.Iss = before.Iss
		return events.Issuer(by, before, &i)
	})
}

// checkSiblings returns ErrConflict if the other registrations with an iss are not the siblings.
// Nothing else writes during the transaction.
func checkSiblings(ctx context.Context, tx *transaction, iss, id string, siblings []store.Issuer) error {
	found, err := allOf(ctx, tx, func(i *store.Issuer) []any { return []any{&i.ID, &i.Version} },
		"SELECT id, version FROM issuers WHERE coalesce(iss, id) = ? AND id <> ?", iss, id)
	if err != nil {
		return err
	}
	return store.CheckSiblings(found, siblings)
}

// DeleteIssuer removes an issuer: ErrNotFound if there is none.
func (d *DB) DeleteIssuer(ctx context.Context, id string, by store.Change) error {
	return d.changeBy(ctx, "delete an issuer", by, func(ctx context.Context, tx *transaction) (store.Event, error) {
		before, err := read(ctx, tx, issuerColumns, selectIssuers+" WHERE id = ?", id)
		if err != nil {
			return store.Event{}, err
		}
		if _, err := tx.exec(ctx, "DELETE FROM issuers WHERE id = ?", id); err != nil {
			return store.Event{}, err
		}
		return events.Issuer(by, before, nil)
	})
}
