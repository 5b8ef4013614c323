package sqlite_test

import (
	"path/filepath"
	"testing"

	"authserver/internal/store"
	"authserver/internal/store/sqlite"
	"authserver/internal/store/storetest"
)

func TestContract(t *testing.T) {
	storetest.Run(t, func(t *testing.T) storetest.Open {
		path := filepath.Join(t.TempDir(), "with a % sign? #1.db")
		return func() store.Store {
			s, err := sqlite.Open(t.Context(), sqlite.Options{Path: path})
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(s.Close)
			return s
		}
	})
}
