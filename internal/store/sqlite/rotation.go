package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"authserver/internal/events"
	"authserver/internal/store"
)

// Rotate decides and moves under the write lock.
func (d *DB) Rotate(ctx context.Context, r store.Rotation) (store.RotationResult, error) {
	return d.decide(ctx, "rotate a refresh token", r.Exchange, func(ctx context.Context, tx *transaction, f store.Family, u store.User, replayed bool) (result store.RotationResult, err error) {
		result = store.RotationResult{Outcome: r.Decide(f, u, replayed), Family: f, User: u}
		switch result.Outcome {
		case store.Graced:
			err = use(ctx, tx, r.Uses)
		case store.Rotated:
			if result.Family, err = move(ctx, tx, r, f); err == nil {
				err = use(ctx, tx, r.Uses)
			}
		case store.WrongClient, store.WrongKey:
			err = record(ctx, tx, events.Refused("refresh_token", r, result.Outcome, f, u))
		case store.Reused:
			result.Family, err = endUsedTwice(ctx, tx, r.Exchange, f, events.Refused("refresh_token", r, store.Reused, f, u))
		}
		return result, err
	})
}

// decide reads a family and its user under the write lock, and calls step to decide and move.
func (d *DB) decide(ctx context.Context, doing string, r store.Exchange,
	step func(context.Context, *transaction, store.Family, store.User, bool) (store.RotationResult, error),
) (store.RotationResult, error) {
	var result store.RotationResult
	err := d.change(ctx, doing, func(ctx context.Context, tx *transaction) error {
		var f store.Family
		var u store.User
		err := tx.row(ctx, "SELECT "+familyColumnNames+", "+userColumnNames+`
			FROM refresh_families f JOIN users u ON u.id = f.user_id WHERE f.id = ?`, r.ID[:]).
			Scan(append(familyColumns(&f), userColumns(&u)...)...)
		if errors.Is(err, sql.ErrNoRows) {
			return nil // Unknown is the zero Outcome
		}
		if err != nil {
			return err
		}
		replay, replayed, err := usedBefore(ctx, tx, r.Uses)
		if err != nil {
			return err
		}
		if result, err = step(ctx, tx, f, u, replayed); result.Outcome == store.UsedBefore {
			result.Replay = replay
		}
		return err
	})
	if err != nil {
		if !errors.Is(err, errCommit) {
			err = fmt.Errorf("%w: %w", err, store.ErrNotDone)
		}
		return store.RotationResult{}, err
	}
	return result, nil
}

// move moves a family to its next generation. The row keeps the parameters of a code, in case
// the exchange of the code is put back.
func move(ctx context.Context, tx *transaction, r store.Rotation, f store.Family) (store.Family, error) {
	f.Generation, f.Code = r.Next(), store.Code{}
	f.RotatedAt, f.RotatedBy = store.At(r.Now), r.Clock.ID
	f.IdleExpiresAt = store.At(r.Now.Add(r.Idle))
	if f.IdleExpiresAt.After(f.ExpiresAt) {
		f.IdleExpiresAt = f.ExpiresAt
	}
	binds := f.BoundTo == "" && r.Binds != ""
	if binds {
		f.BoundTo = r.Binds
	}
	_, err := tx.exec(ctx, `UPDATE refresh_families SET prior_generation = generation, prior_rotated_at = rotated_at, prior_rotated_by = rotated_by,
			prior_idle_expires_at = idle_expires_at, bound_anew = ?2,
			generation = ?3, rotated_at = ?4, rotated_by = ?5, idle_expires_at = ?6, bound_to = ?7,
			code = CASE WHEN generation = 0 THEN code END
		WHERE id = ?1`,
		f.ID[:], binds, int64(r.Next()), micros(f.RotatedAt), f.RotatedBy, micros(f.IdleExpiresAt), orNull(f.BoundTo))
	return f, err
}

// PutBack undoes a rotation whose answer the client did not get.
func (d *DB) PutBack(ctx context.Context, r store.Rotation, was store.Outcome) error {
	return d.change(ctx, "put a refresh token back", func(ctx context.Context, tx *transaction) error {
		if was != store.Graced {
			n, err := tx.exec(ctx, `UPDATE refresh_families SET generation = prior_generation, rotated_at = prior_rotated_at, rotated_by = prior_rotated_by,
					idle_expires_at = prior_idle_expires_at, bound_to = CASE WHEN bound_anew THEN NULL ELSE bound_to END
				WHERE id = ?1 AND generation = ?2 AND rotated_at = ?3 AND rotated_by = ?4`,
				r.ID[:], int64(r.Next()), micros(store.At(r.Now)), r.Clock.ID)
			if err != nil || n == 0 {
				return err
			}
		}
		return forget(ctx, tx, r.Uses)
	})
}

// endUsedTwice ends a family after a client presented a code or a refresh token a second time.
func endUsedTwice(ctx context.Context, tx *transaction, r store.Exchange, f store.Family, told store.Event) (store.Family, error) {
	f.RevokedAt, f.RevokedReason = store.At(r.Now), r.Voids.Reason
	if _, err := end(ctx, tx, f.ID, r.Now, r.Voids.Reason); err != nil {
		return f, err
	}
	if err := revoke(ctx, tx, r.Voids); err != nil {
		return f, err
	}
	return f, record(ctx, tx, told)
}
