package postgres_test

import (
	"testing"

	"authserver/internal/store/postgres"
	"authserver/internal/store/storetest"
	"authserver/test/pgtest"
)

func TestDocumentsAreReadStrictly(t *testing.T) {
	u := pgtest.URL(t)
	s := migrated(t, postgres.Options{URL: u})
	conn := session(t, u)
	storetest.Documents(t, t.Context(), s, func(statement string) { exec(t, conn, statement) })
}
