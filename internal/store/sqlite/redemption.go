package sqlite

import (
	"context"

	"authserver/internal/events"
	"authserver/internal/store"
)

// Redeem decides and moves under the write lock.
func (d *DB) Redeem(ctx context.Context, r store.Redemption) (store.RotationResult, error) {
	return d.decide(ctx, "redeem an authorization code", r.Exchange, func(ctx context.Context, tx *transaction, f store.Family, u store.User, replayed bool) (result store.RotationResult, err error) {
		result = store.RotationResult{Outcome: r.Decide(f, u, replayed), Family: f, User: u}
		switch result.Outcome {
		case store.Redeemed:
			if result.Family, err = move(ctx, tx, r.Rotation(), f); err == nil {
				err = use(ctx, tx, r.Uses)
			}
		case store.WrongClient, store.WrongRedirectURI, store.WrongVerifier, store.WrongKey:
			err = record(ctx, tx, events.Refused("code", r.Rotation(), result.Outcome, f, u))
		case store.CodeReplayed:
			result.Family, err = endUsedTwice(ctx, tx, r.Exchange, f, events.Refused("code", r.Rotation(), store.CodeReplayed, f, u))
		}
		return result, err
	})
}
