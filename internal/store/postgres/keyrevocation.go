package postgres

import (
	"context"
	"errors"

	"github.com/jackc/pgx/v5"

	"authserver/internal/store"
)

// RevokeSigningKey takes a key out of use and sees to it that another one signs.
func (d *DB) RevokeSigningKey(ctx context.Context, r store.KeyRevocation) error {
	return d.change(ctx, "revoke a signing key", func(ctx context.Context, tx pgx.Tx) error {
		// The keys of one algorithm are locked in one order, so that a succession that
		// is planned meanwhile waits, and then sees the chain as it is left here.
		_, err := tx.Exec(ctx, `SELECT FROM signing_keys WHERE alg = (SELECT alg FROM signing_keys WHERE kid = $1)
			ORDER BY kid FOR UPDATE`, r.KID)
		if err != nil {
			return err
		}
		var predecessor string
		var waiting, signs bool
		err = tx.QueryRow(ctx, `SELECT predecessor, active_at > $2 AND predecessor <> '', retired_at IS NULL OR retired_at > $2
			FROM signing_keys WHERE kid = $1 AND revoked_at IS NULL`, r.KID, orNever(r.At)).Scan(&predecessor, &waiting, &signs)
		if errors.Is(err, pgx.ErrNoRows) {
			return store.ErrNotFound
		}
		if err != nil {
			return err
		}
		_, err = tx.Exec(ctx, `UPDATE signing_keys SET revoked_at = $2, removed_at = $2, retired_at = least(retired_at, $2), reason = $3
			WHERE kid = $1`, r.KID, orNever(r.At), r.Reason)
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
func takeOver(ctx context.Context, tx pgx.Tx, r store.KeyRevocation, signs bool) error {
	tag, err := tx.Exec(ctx, "UPDATE signing_keys SET active_at = least(active_at, $2) WHERE predecessor = $1", r.KID, orNever(r.From))
	switch {
	case err != nil || tag.RowsAffected() > 0 || !signs:
		return err
	case r.Next == nil:
		return store.ErrConflict
	}
	return insertSigningKey(ctx, tx, *r.Next)
}

// passOver ties the keys before and after one that was waiting to each other. It
// gives its place free, since a predecessor has one successor.
func passOver(ctx context.Context, tx pgx.Tx, r store.KeyRevocation, predecessor string) error {
	_, err := tx.Exec(ctx, "UPDATE signing_keys SET predecessor = 'revoked ' || kid WHERE kid = $1", r.KID)
	if err != nil {
		return err
	}
	if _, err := tx.Exec(ctx, "UPDATE signing_keys SET predecessor = $2 WHERE predecessor = $1", r.KID, predecessor); err != nil {
		return err
	}
	_, err = tx.Exec(ctx, `UPDATE signing_keys AS p SET
			retired_at = (SELECT s.active_at FROM signing_keys s WHERE s.predecessor = p.kid),
			removed_at = (SELECT s.active_at + $2 FROM signing_keys s WHERE s.predecessor = p.kid)
		WHERE p.kid = $1`, predecessor, r.Lag)
	return err
}
