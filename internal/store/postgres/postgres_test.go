package postgres_test

import (
	"testing"

	"authserver/internal/store"
	"authserver/internal/store/postgres"
	"authserver/internal/store/storetest"
	"authserver/test/pgtest"
)

func TestContract(t *testing.T) {
	storetest.Run(t, func(t *testing.T) storetest.Open {
		url := pgtest.URL(t)
		return func() store.Store { return open(t, postgres.Options{URL: url}) }
	})
}

func open(t *testing.T, o postgres.Options) *postgres.DB {
	t.Helper()
	s, err := postgres.Open(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	return s
}
