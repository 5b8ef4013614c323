package admin

import (
	"context"
	"time"

	"authserver/internal/keys"
	"authserver/internal/keys/sealing"
	"authserver/internal/store"
)

// MasterKey is another master key than the one that is set: one of the two.
type MasterKey struct {
	Key string // 32 bytes in base64
	URL string // of a key of a key management service
}

// Reseal moves everything that is sealed to another master key, while servers run
// on the one that is set. Both are good until Finish. waiting is told how long
// it waits for servers to take in the new data key.
func (a *Admin) Reseal(ctx context.Context, by Call, to MasterKey, waiting func(time.Duration)) (sealing.Resealed, error) {
	keeper, id, err := a.OpenMaster(ctx, to)
	if err != nil {
		return sealing.Resealed{}, err
	}
	r := &sealing.Reseal{
		Store: a.Store, From: a.Sealer, Keeper: keeper, Master: id, Now: a.Now, Rand: a.Rand,
		By:     by.change(store.SecretResealed, a.Now()),
		Settle: func(ctx context.Context) error { return a.settle(ctx, waiting) },
	}
	done, err := r.Run(ctx)
	if closed := keeper.Close(); err == nil {
		err = closed
	}
	return done, err
}

// settle waits for as long as a change may take to reach every server, where there
// are any.
func (a *Admin) settle(ctx context.Context, waiting func(time.Duration)) error {
	wait, err := a.Keys.Settles(ctx)
	if err != nil || wait == 0 {
		return err
	}
	waiting(wait)
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// FinishedReseal is what ended with a reseal.
type FinishedReseal struct {
	Master string   `json:"master"` // the one under which everything is sealed
	Over   []string `json:"over"`   // those that open nothing any more
}

// Finish makes the master key that is set the only one that opens anything.
func (a *Admin) Finish(ctx context.Context, by Call) (FinishedReseal, error) {
	over, err := sealing.Finish(ctx, by.change(store.DataKeyDeleted, a.Now()), a.Store, a.Sealer)
	if err != nil {
		return FinishedReseal{}, err
	}
	return FinishedReseal{Master: a.Sealer.MasterID(), Over: listed(over)}, nil
}

// RefreshTokenKeys returns the keys that authenticate refresh tokens, after it
// brought the next one forward where that is asked for.
func (a *Admin) RefreshTokenKeys(ctx context.Context, by Call, rotate bool) ([]keys.ListedRefreshKey, error) {
	if err := a.RefreshKeys.Reload(ctx); err != nil {
		return nil, err
	}
	if rotate {
		if err := a.RefreshKeys.Rotate(ctx, by.change(store.RefreshKeyRescheduled, a.Now())); err != nil {
			return nil, err
		}
	}
	return a.RefreshKeys.List(), nil
}
