package storetest

import (
	"cmp"
	"context"
	"slices"
	"sync"

	"authserver/internal/store"
)

// DataKeyTable has the data keys in memory, according to the contract of package store, for tests
// that tamper with the rows.
type DataKeyTable struct {
	Rows []store.DataKey
	Down bool // every call fails with ErrUnavailable

	mu sync.Mutex
}

// DataKeys returns the rows by their IDs.
func (d *DataKeyTable) DataKeys(context.Context) ([]store.DataKey, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.Down {
		return nil, store.ErrUnavailable
	}
	out := slices.Clone(d.Rows)
	slices.SortFunc(out, func(a, b store.DataKey) int { return cmp.Compare(a.ID, b.ID) })
	return out, nil
}

// CreateDataKeys adds all rows, or none if one exists already.
func (d *DataKeyTable) CreateDataKeys(_ context.Context, keys []store.DataKey, _ store.Change) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.Down {
		return store.ErrUnavailable
	}
	for _, k := range keys {
		if slices.ContainsFunc(d.Rows, func(other store.DataKey) bool { return sameDataKey(other, k) }) {
			return store.ErrExists
		}
	}
	d.Rows = append(d.Rows, keys...)
	return nil
}

// DeleteDataKeys removes rows.
func (d *DataKeyTable) DeleteDataKeys(_ context.Context, keys []store.DataKey, _ store.Change) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.Down {
		return store.ErrUnavailable
	}
	d.Rows = slices.DeleteFunc(d.Rows, func(k store.DataKey) bool {
		return slices.ContainsFunc(keys, func(gone store.DataKey) bool { return sameDataKey(gone, k) })
	})
	return nil
}

func sameDataKey(a, b store.DataKey) bool { return a.ID == b.ID && a.MasterID == b.MasterID }
