package storetest

import (
	"time"

	"authserver/internal/store"
)

// By returns a change by the operator of the tests, of a type that no server or command has.
func By() store.Change {
	return store.Change{
		Actor: store.Actor{Type: store.ActorOperator, ID: "root@test"}, Event: "test.changed",
		At: time.Date(2026, time.March, 29, 1, 59, 58, 123456000, time.UTC),
	}
}

// Voiding returns By with a revocation.
func Voiding(v store.Void) store.Change { return By().Voiding(v) }
