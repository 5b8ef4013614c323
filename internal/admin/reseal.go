package admin

import (
	"context"
	"time"

	"authserver/internal/keys/sealing"
	"authserver/internal/store"
)

// MasterKey is another master key than the configured one: one of the two fields.
type MasterKey struct {
	Key string // 32 bytes in base64
	URL string // of a key of a key management service
}

// MasterKeys moves sealed values from one master key to another.
type MasterKeys struct {
	*Common
	Store  sealing.ResealStore
	Sealer *sealing.Sealer
	// Servers returns how long a change may take to reach every server.
	Servers interface {
		Settles(ctx context.Context) (time.Duration, error)
	}
	// Open opens another master key than the configured one, and names it.
	Open func(ctx context.Context, to MasterKey) (keeper sealing.Keeper, id string, err error)
}

// Reseal moves all sealed values to another master key, while servers run on the configured one.
// Both work until Finish. It calls waiting with the time that it waits for servers to load the new
// data key.
func (ms *MasterKeys) Reseal(ctx context.Context, by Call, to MasterKey, waiting func(time.Duration)) (sealing.Resealed, error) {
	keeper, id, err := ms.Open(ctx, to)
	if err != nil {
		return sealing.Resealed{}, err
	}
	r := &sealing.Reseal{
		Store: ms.Store, From: ms.Sealer, Keeper: keeper, Master: id, Now: ms.Now, Rand: ms.Rand,
		By:     by.change(store.SecretResealed, ms.Now()),
		Settle: func(ctx context.Context) error { return ms.settle(ctx, waiting) },
	}
	done, err := r.Run(ctx)
	if closed := keeper.Close(); err == nil {
		err = closed
	}
	return done, err
}

// settle waits until a change has reached every server, if there are any.
func (ms *MasterKeys) settle(ctx context.Context, waiting func(time.Duration)) error {
	wait, err := ms.Servers.Settles(ctx)
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

// FinishedReseal is the result of Finish.
type FinishedReseal struct {
	Master string   `json:"master"` // the one under which everything is sealed
	Over   []string `json:"over"`   // those that no longer open anything
}

// Finish makes the configured master key the only one that opens anything.
func (ms *MasterKeys) Finish(ctx context.Context, by Call) (FinishedReseal, error) {
	over, err := sealing.Finish(ctx, by.change(store.DataKeyDeleted, ms.Now()), ms.Store, ms.Sealer)
	if err != nil {
		return FinishedReseal{}, err
	}
	return FinishedReseal{Master: ms.Sealer.MasterID(), Over: listed(over)}, nil
}
