package sealing

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"time"

	"authserver/internal/store"
)

// ResealStore has everything that is sealed.
type ResealStore interface {
	store.DataKeys
	store.SealedValues
}

// Reseal moves everything that is sealed from one master key to another, while servers run. It
// begins with a new data key that both master keys open, and ends with every row under that data
// key. Until [Finish], servers may have either master key. After an interruption, a second run
// continues.
type Reseal struct {
	Store  ResealStore
	From   *Sealer
	Keeper Keeper // of the new master key
	Master string // its name
	// Settle waits until every server has the new data key: before that, no server may find a row
	// that is sealed under it.
	Settle func(ctx context.Context) error
	By     store.Change // the actor of the events
	Now    func() time.Time
	Rand   io.Reader
}

// Resealed is the result of a reseal.
type Resealed struct {
	From      string         `json:"from"` // names of master keys
	To        string         `json:"to"`
	DataKey   uint32         `json:"data_key"`  // the data key of everything now
	Resealed  map[string]int `json:"resealed"`  // rows of each table
	Remaining int            `json:"remaining"` // rows under other data keys: 0
}

// Run carries out the reseal.
func (r *Reseal) Run(ctx context.Context) (Resealed, error) {
	done := Resealed{From: r.From.options.MasterID, To: r.Master, Resealed: map[string]int{}}
	if done.From == done.To {
		return done, fmt.Errorf("everything is sealed under master key %s already: name another one", done.To)
	}
	if err := r.prepare(ctx); err != nil {
		return done, err
	}
	if err := r.From.Reload(ctx); err != nil {
		return done, err
	}
	done.DataKey = r.From.loaded.Load().current
	if err := r.Settle(ctx); err != nil {
		return done, err
	}
	// A server that does not know the new data key yet may add a row meanwhile, so Run looks again
	// until there is none left.
	for {
		left, err := under(ctx, r.Store, func(id uint32) bool { return id != done.DataKey })
		if err != nil || len(left) == 0 {
			return done, err
		}
		for _, v := range left {
			if err := r.move(ctx, v); err != nil {
				return done, err
			}
			done.Resealed[v.Table]++
		}
	}
}

// prepare makes the new data key and seals every data key under both master keys, all or nothing.
// If that was done before, it does nothing.
func (r *Reseal) prepare(ctx context.Context) error {
	rows, err := r.Store.DataKeys(ctx)
	if err != nil {
		return fmt.Errorf("read the data keys: %w", err)
	}
	from, to := r.From.options, Options{Keeper: r.Keeper, MasterID: r.Master, Now: r.Now, Rand: r.Rand}
	var newest uint32
	var added []store.DataKey
	for _, row := range rows {
		switch row.MasterID {
		case to.MasterID:
			if _, err := unsealDataKey(ctx, to, row); err != nil {
				return err
			}
			return nil
		case from.MasterID:
		default:
			return fmt.Errorf("a reseal to master key %s is under way: finish it first", row.MasterID)
		}
		plain, err := unsealDataKey(ctx, from, row)
		if err != nil {
			return err
		}
		again, err := sealDataKey(ctx, to, row.ID, plain)
		if err != nil {
			return err
		}
		again.CreatedAt = row.CreatedAt
		added, newest = append(added, again), max(newest, row.ID)
	}
	plain, err := newDataKey(r.Rand)
	if err != nil {
		return err
	}
	for _, o := range []Options{from, to} {
		row, err := sealDataKey(ctx, o, newest+1, plain)
		if err != nil {
			return err
		}
		added = append(added, row)
	}
	if err := r.Store.CreateDataKeys(ctx, added, r.by(store.DataKeyCreated)); err != nil {
		return fmt.Errorf("keep the new data key (where another reseal began at the same moment, try again): %w", err)
	}
	return nil
}

// move seals one value again. If another process changed or removed the value meanwhile, Run looks
// at it again.
func (r *Reseal) move(ctx context.Context, v store.SealedValue) error {
	as := store.SealedAs(v.Table, v.ID)
	plain, err := r.From.Open(v.Sealed, as)
	if err != nil {
		return err
	}
	sealed, err := r.From.Seal(plain, as)
	if err != nil {
		return err
	}
	err = r.Store.ReplaceSealed(ctx, v, sealed, r.by(store.SecretResealed))
	if errors.Is(err, store.ErrConflict) || errors.Is(err, store.ErrNotFound) {
		return nil
	}
	return err
}

// by returns a change of the reseal.
func (r *Reseal) by(what store.EventType) store.Change {
	by := r.By
	by.Event, by.At = what, store.At(r.Now())
	return by
}

// under returns the values that are sealed under the data keys for which pick is true.
func under(ctx context.Context, st store.SealedValues, pick func(id uint32) bool) ([]store.SealedValue, error) {
	all, err := st.SealedValues(ctx)
	if err != nil {
		return nil, fmt.Errorf("read what is sealed: %w", err)
	}
	return slices.DeleteFunc(all, func(v store.SealedValue) bool { return !pick(dataKeyOf(v.Sealed)) }), nil
}

// Finish ends a reseal with the master key of the sealer as the only one. It removes the data keys
// under which nothing is sealed, and the copies of the other data keys under other master keys. It
// returns the names of the master keys that no longer open anything. With the old master key, it
// undoes the reseal.
func Finish(ctx context.Context, by store.Change, st ResealStore, s *Sealer) ([]string, error) {
	left, err := under(ctx, st, func(id uint32) bool { return id != s.loaded.Load().current })
	if err != nil {
		return nil, err
	}
	if len(left) > 0 {
		return nil, fmt.Errorf("rows that are sealed under an older data key still: %d: run the reseal to its end first", len(left))
	}
	rows, err := st.DataKeys(ctx)
	if err != nil {
		return nil, fmt.Errorf("read the data keys: %w", err)
	}
	var over []store.DataKey
	for _, row := range rows {
		if row.MasterID != s.options.MasterID || row.ID != s.loaded.Load().current {
			over = append(over, row)
		}
	}
	by.Event, by.At = store.DataKeyDeleted, store.At(s.options.Now())
	if err := st.DeleteDataKeys(ctx, over, by); err != nil {
		return nil, fmt.Errorf("remove the data keys that are over: %w", err)
	}
	return slices.DeleteFunc(masters(over), func(id string) bool { return id == s.options.MasterID }), nil
}
