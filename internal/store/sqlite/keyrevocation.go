package sqlite

import (
	"context"
	"database/sql"
	"errors"

	"authserver/internal/store"
)

// RevokeSigningKey takes a key out of use and sees to it that another one signs.
func (d *DB) RevokeSigningKey(ctx context.Context, r store.KeyRevocation) error {
	return d.change(ctx, "revoke a signing key", func(ctx context.Context, tx *transaction) error {
		var predecessor string
		var waiting, signs bool
		err := tx.row(ctx, `SELECT predecessor, active_at > ?2 AND predecessor <> '', retired_at IS NULL OR retired_at > ?2
			FROM signing_keys WHERE kid = ?1 AND revoked_at IS NULL`, r.KID, micros(r.At)).Scan(&predecessor, &waiting, &signs)
		if errors.Is(err, sql.ErrNoRows) {
			return store.ErrNotFound
		}
		if err != nil {
			return err
		}
		_, err = tx.exec(ctx, `UPDATE signing_keys SET revoked_at = ?2, removed_at = ?2, retired_at = min(coalesce(retired_at, ?2), ?2),
			reason = ?3 WHERE kid = ?1`, r.KID, micros(r.At), r.Reason)
		switch {
		case err != nil:
			return err
		case waiting:
			return passOver(ctx, tx, r, predecessor)
		}
		return takeOver(ctx, tx, r, signs)
	})
}

// takeOver lets the successor of a key that signs, or did on a replica whose clock
// is behind, sign at once.
func takeOver(ctx context.Context, tx *transaction, r store.KeyRevocation, signs bool) error {
	n, err := tx.exec(ctx, "UPDATE signing_keys SET active_at = min(active_at, ?2) WHERE predecessor = ?1", r.KID, micros(r.From))
	switch {
	case err != nil || n > 0 || !signs:
		return err
	case r.Next == nil:
		return store.ErrConflict
	}
	return insertSigningKey(ctx, tx, *r.Next)
}

// passOver ties the keys before and after one that was waiting to each other. It
// gives its place free, since a predecessor has one successor.
func passOver(ctx context.Context, tx *transaction, r store.KeyRevocation, predecessor string) error {
	_, err := tx.exec(ctx, "UPDATE signing_keys SET predecessor = 'revoked ' || kid WHERE kid = ?", r.KID)
	if err != nil {
		return err
	}
	if _, err := tx.exec(ctx, "UPDATE signing_keys SET predecessor = ?2 WHERE predecessor = ?1", r.KID, predecessor); err != nil {
		return err
	}
	_, err = tx.exec(ctx, `UPDATE signing_keys AS p SET
			retired_at = (SELECT s.active_at FROM signing_keys s WHERE s.predecessor = p.kid),
			removed_at = (SELECT s.active_at + ?2 FROM signing_keys s WHERE s.predecessor = p.kid)
		WHERE p.kid = ?1`, predecessor, r.Lag.Microseconds())
	return err
}
