package keys_test

import (
	"context"
	"errors"

	"authserver/internal/keys/sealing"
	"authserver/internal/store"
)

// resealWire lets other processes act before a call.
type resealWire struct {
	sealing.ResealStore
	before func(call string)
}

func (w *resealWire) CreateDataKeys(ctx context.Context, rows []store.DataKey, by store.Change) error {
	w.before("CreateDataKeys")
	return w.ResealStore.CreateDataKeys(ctx, rows, by)
}

func (w *resealWire) ReplaceSealed(ctx context.Context, v store.SealedValue, with []byte, by store.Change) error {
	w.before("ReplaceSealed")
	return w.ResealStore.ReplaceSealed(ctx, v, with, by)
}

var errCut = errors.New("the connection was cut")

// failingWire fails its n-th call, before or after carrying it out.
type failingWire struct {
	db    sealing.ResealStore
	at    int
	done  bool
	calls int
}

func (w *failingWire) call(do func() error) error {
	w.calls++
	if w.calls != w.at {
		return do()
	}
	if w.done {
		if err := do(); err != nil {
			return err
		}
	}
	return errCut
}

func (w *failingWire) DataKeys(ctx context.Context) (rows []store.DataKey, err error) {
	err = w.call(func() (err error) { rows, err = w.db.DataKeys(ctx); return err })
	return rows, err
}

func (w *failingWire) CreateDataKeys(ctx context.Context, rows []store.DataKey, by store.Change) error {
	return w.call(func() error { return w.db.CreateDataKeys(ctx, rows, by) })
}

func (w *failingWire) DeleteDataKeys(ctx context.Context, rows []store.DataKey, by store.Change) error {
	return w.call(func() error { return w.db.DeleteDataKeys(ctx, rows, by) })
}

func (w *failingWire) SealedValues(ctx context.Context) (values []store.SealedValue, err error) {
	err = w.call(func() (err error) { values, err = w.db.SealedValues(ctx); return err })
	return values, err
}

func (w *failingWire) ReplaceSealed(ctx context.Context, v store.SealedValue, with []byte, by store.Change) error {
	return w.call(func() error { return w.db.ReplaceSealed(ctx, v, with, by) })
}
