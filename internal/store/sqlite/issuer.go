package sqlite

import (
	"context"

	"authserver/internal/events"
	"authserver/internal/oauth"
	"authserver/internal/store"
)

const selectIssuers = `SELECT id, jwks, certificates, sealed_secret, algorithms, subject_claim, subject_kind, scopes, resources,
	client_auth, client_id, max_lifetime_us, allow_repeat, disabled, jwks_uri, discovery, ca_certificates, clock_skew_us,
	required_claims, patterns, claim_mapping, encryption_alg, audiences, coalesce(iss, id), version, created_at, updated_at
	FROM issuers`

func issuerColumns(i *store.Issuer) []any {
	return []any{
		&i.ID, rawJSON{&i.JWKS}, nullable[[][]byte]{&i.Certificates}, &i.SealedSecret, array[[]string]{&i.Algorithms},
		&i.SubjectClaim, &i.SubjectKind, array[oauth.Scope]{&i.Scopes}, array[[]string]{&i.Resources},
		&i.ClientAuth, &i.ClientID, duration{&i.MaxLifetime}, &i.AllowRepeat, &i.Disabled,
		text{&i.JWKSURI}, &i.Discovery, nullable[[][]byte]{&i.CACertificates}, duration{&i.ClockSkew}, array[[]string]{&i.RequiredClaims},
		array[[]store.ClaimPattern]{&i.Patterns}, array[map[string]string]{&i.ClaimMapping}, &i.EncryptionAlg, array[[]string]{&i.Audiences}, &i.Iss, &i.Version,
		moment{&i.CreatedAt}, moment{&i.UpdatedAt},
	}
}

// issuerValues are the parameters 1 to 24 of an insert or update.
func issuerValues(i store.Issuer) []any {
	return []any{
		i.ID, orNull(string(i.JWKS)), listOrNull(i.Certificates), blobOrNull(i.SealedSecret), list(i.Algorithms),
		i.SubjectClaim, string(i.SubjectKind), list(i.Scopes), list(i.Resources),
		i.ClientAuth, i.ClientID, i.MaxLifetime.Microseconds(), i.AllowRepeat, i.Disabled,
		orNull(i.JWKSURI), i.Discovery, listOrNull(i.CACertificates), i.ClockSkew.Microseconds(), list(i.RequiredClaims),
		list(i.Patterns), object(i.ClaimMapping), i.EncryptionAlg, list(i.Audiences), micros(i.UpdatedAt),
	}
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

// ownIss is the iss of a registration where that is not its ID.
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
	return page(ctx, d, "list issuers", p, issuerColumns, selectIssuers, "id", "id", "iss")
}

// EncryptionAlgs returns what the assertions of issuers are encrypted with, each
// once and sorted.
func (d *DB) EncryptionAlgs(ctx context.Context) ([]string, error) {
	return all(ctx, d, "read the algorithms of issuers", func(alg *string) []any { return []any{alg} },
		"SELECT DISTINCT encryption_alg FROM issuers WHERE encryption_alg <> '' ORDER BY 1")
}

// CreateIssuer adds an issuer, or returns ErrExists.
func (d *DB) CreateIssuer(ctx context.Context, i store.Issuer, by store.Change) error {
	return d.changeBy(ctx, "create an issuer", by, func(ctx context.Context, tx *transaction) (store.Event, error) {
		_, err := tx.exec(ctx, `INSERT INTO issuers (id, jwks, certificates, sealed_secret, algorithms, subject_claim,
				subject_kind, scopes, resources, client_auth, client_id, max_lifetime_us, allow_repeat, disabled,
				jwks_uri, discovery, ca_certificates, clock_skew_us, required_claims, patterns, claim_mapping, encryption_alg,
				audiences, updated_at, created_at, iss, version)
			VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14,
				?15, ?16, ?17, ?18, ?19, ?20, ?21, ?22, ?23, ?24, ?25, ?26, 1)`,
			append(issuerValues(i), micros(i.CreatedAt), orNull(ownIss(i)))...)
		if err != nil {
			return store.Event{}, err
		}
		return events.Issuer(by, nil, &i)
	})
}

// UpdateIssuer replaces the issuer whose ID and Version are i's: ErrNotFound or
// ErrConflict.
func (d *DB) UpdateIssuer(ctx context.Context, i store.Issuer, by store.Change) error {
	return d.changeBy(ctx, "update an issuer", by, func(ctx context.Context, tx *transaction) (store.Event, error) {
		before, err := read(ctx, tx, issuerColumns, selectIssuers+" WHERE id = ?", i.ID)
		if err != nil {
			return store.Event{}, err
		}
		if before.Version != i.Version {
			return store.Event{}, store.ErrConflict
		}
		_, err = tx.exec(ctx, `UPDATE issuers SET jwks = ?2, certificates = ?3, sealed_secret = ?4, algorithms = ?5,
				subject_claim = ?6, subject_kind = ?7, scopes = ?8, resources = ?9, client_auth = ?10, client_id = ?11,
				max_lifetime_us = ?12, allow_repeat = ?13, disabled = ?14, jwks_uri = ?15, discovery = ?16, ca_certificates = ?17,
				clock_skew_us = ?18, required_claims = ?19, patterns = ?20, claim_mapping = ?21, encryption_alg = ?22,
				audiences = ?23, updated_at = ?24, version = version + 1
			WHERE id = ?1`, issuerValues(i)...)
		if err != nil {
			return store.Event{}, err
		}
		i.Iss = before.Iss
		return events.Issuer(by, before, &i)
	})
}

// DeleteIssuer removes an issuer: ErrNotFound where there is none.
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
