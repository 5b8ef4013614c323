package sealing_test

import (
	"crypto/rand"
	"testing"
	"time"

	"authserver/internal/keys/sealing"
	"authserver/internal/store"
	"authserver/internal/store/storetest"
)

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
