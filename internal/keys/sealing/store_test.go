package sealing_test

import (
	"cmp"
	"context"
	"crypto/rand"
	"slices"
	"sync"
	"testing"
	"time"

	"authserver/internal/keys/sealing"
	"authserver/internal/store"
	"authserver/internal/store/storetest"
)

// memory keeps data keys as the contract of package store says, so that a test can tamper
// with them.
type memory struct {
	mu   sync.Mutex
	down bool
	data []store.DataKey
}

func (m *memory) lock() (unlock func(), err error) {
	m.mu.Lock()
	if m.down {
		m.mu.Unlock()
		return nil, store.ErrUnavailable
	}
	return m.mu.Unlock, nil
}

func (m *memory) DataKeys(context.Context) ([]store.DataKey, error) {
	unlock, err := m.lock()
	if err != nil {
		return nil, err
	}
	defer unlock()
	out := slices.Clone(m.data)
	slices.SortFunc(out, func(a, b store.DataKey) int { return cmp.Compare(a.ID, b.ID) })
	return out, nil
}

func (m *memory) CreateDataKeys(_ context.Context, keys []store.DataKey, _ store.Change) error {
	unlock, err := m.lock()
	if err != nil {
		return err
	}
	defer unlock()
	for _, k := range keys {
		if slices.ContainsFunc(m.data, func(other store.DataKey) bool { return sameDataKey(other, k) }) {
			return store.ErrExists
		}
	}
	m.data = append(m.data, keys...)
	return nil
}

func (m *memory) DeleteDataKeys(_ context.Context, keys []store.DataKey, _ store.Change) error {
	unlock, err := m.lock()
	if err != nil {
		return err
	}
	defer unlock()
	m.data = slices.DeleteFunc(m.data, func(k store.DataKey) bool {
		return slices.ContainsFunc(keys, func(gone store.DataKey) bool { return sameDataKey(gone, k) })
	})
	return nil
}

func sameDataKey(a, b store.DataKey) bool { return a.ID == b.ID && a.MasterID == b.MasterID }

const masterKey = "c2VjcmV0IG1hc3RlciBrZXkgb2YgdGhpcnR5IHR3byE="

func openSealer(t testing.TB, st store.DataKeys) *sealing.Sealer {
	t.Helper()
	s, err := sealing.Open(t.Context(), options(t, st, masterKey))
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func options(t testing.TB, st store.DataKeys, text string) sealing.Options {
	t.Helper()
	m := master(t, text)
	return sealing.Options{
		Store: st, Keeper: m.Keeper(), MasterID: m.ID(), Actor: storetest.By().Actor,
		Now: func() time.Time { return time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC) }, Rand: rand.Reader,
	}
}

func newMaster(t testing.TB) string {
	t.Helper()
	made, err := sealing.NewMasterKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return made
}
