package sqlite

import (
	"bytes"
	"context"
	"encoding/base64"
	"fmt"
	"strings"

	"authserver/internal/events"
	"authserver/internal/store"
)

// SealedValues returns everything that is sealed under data keys.
func (d *DB) SealedValues(ctx context.Context) ([]store.SealedValue, error) {
	return all(ctx, d, "read what is sealed", func(v *store.SealedValue) []any { return []any{&v.Table, &v.ID, sealed{&v.Sealed}} },
		`SELECT 'signing_keys', kid, sealed FROM signing_keys
		UNION ALL SELECT 'secret_keys', purpose || '/' || id, sealed FROM secret_keys
		UNION ALL SELECT 'issuers', id, sealed_secret FROM issuers WHERE sealed_secret IS NOT NULL
		UNION ALL SELECT 'clients', c.id || '/' || (s.value ->> 'id'), s.value ->> 'hash'
			FROM clients c, json_each(c.secrets) s WHERE s.value ->> 'kind' = 'sealed'
		ORDER BY 1, 2`)
}

// ReplaceSealed replaces v.Sealed by with. An issuer or client gets another version, so
// that a concurrent update does not put the old value back.
func (d *DB) ReplaceSealed(ctx context.Context, v store.SealedValue, with []byte, by store.Change) error {
	var there, update string
	switch v.Table {
	case "signing_keys":
		there, update = "SELECT 1 FROM signing_keys WHERE kid = ?", "UPDATE signing_keys SET sealed = ?3 WHERE kid = ?1 AND sealed = ?2"
	case "secret_keys":
		there = "SELECT 1 FROM secret_keys WHERE purpose || '/' || id = ?"
		update = "UPDATE secret_keys SET sealed = ?3 WHERE purpose || '/' || id = ?1 AND sealed = ?2"
	case "issuers":
		there = "SELECT 1 FROM issuers WHERE id = ?"
		update = "UPDATE issuers SET sealed_secret = ?3, version = version + 1 WHERE id = ?1 AND sealed_secret = ?2"
	case "clients":
		return d.replaceClientSecret(ctx, v, with, by)
	default:
		return fmt.Errorf("replace what is sealed: no table %q has sealed values", v.Table)
	}
	return d.changeBy(ctx, "replace what is sealed", by, func(ctx context.Context, tx *transaction) (store.Event, error) {
		n, err := tx.exec(ctx, update, v.ID, v.Sealed, with)
		if err == nil && n == 0 {
			err = moved(ctx, tx, there, v.ID)
		}
		return events.Sealed(by, v), err
	})
}

// replaceClientSecret finds the secret of a client by its sealed value, and leaves the others
// unchanged.
func (d *DB) replaceClientSecret(ctx context.Context, v store.SealedValue, with []byte, by store.Change) error {
	slash := max(strings.LastIndexByte(v.ID, '/'), 0) // the ID of a client may contain a slash, but not that of a secret
	client, secret := v.ID[:slash], strings.TrimPrefix(v.ID[slash:], "/")
	const found = `FROM json_each(secrets) s WHERE s.value ->> 'kind' = 'sealed' AND s.value ->> 'id' = ?2`
	const unchanged = found + ` AND s.value ->> 'hash' = ?3`
	return d.changeBy(ctx, "replace what is sealed", by, func(ctx context.Context, tx *transaction) (store.Event, error) {
		n, err := tx.exec(ctx, `UPDATE clients SET version = version + 1, secrets = json_set(secrets,
				(SELECT s.fullkey || '.hash' `+unchanged+`), ?4)
			WHERE id = ?1 AND EXISTS (SELECT 1 `+unchanged+`)`,
			client, secret, base64.StdEncoding.EncodeToString(v.Sealed), base64.StdEncoding.EncodeToString(with))
		if err == nil && n == 0 {
			err = moved(ctx, tx, "SELECT 1 FROM clients WHERE id = ?1 AND EXISTS (SELECT 1 "+found+")", client, secret)
		}
		return events.Sealed(by, v), err
	})
}

// sealed reads a blob, or the base64 that encoding/json makes of one.
type sealed struct{ to *[]byte }

func (s sealed) Scan(src any) (err error) {
	switch v := src.(type) {
	case []byte:
		*s.to = bytes.Clone(v)
	case string:
		*s.to, err = base64.StdEncoding.DecodeString(v)
	default:
		err = fmt.Errorf("what is sealed is kept as %T", src)
	}
	return err
}
