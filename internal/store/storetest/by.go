package storetest

import (
	"time"

	"authserver/internal/store"
)

// By is a change that the operator of the tests makes, of no type that a server or a
// command makes.
func By() store.Change {
	return store.Change{
		Actor: store.Actor{Type: store.ActorOperator, ID: "root@test"}, Event: "test.changed",
		At: time.Date(2026, time.March, 29, 1, 59, 58, 123456000, time.UTC),
	}
}

// Voiding is By with what it makes void.
func Voiding(v store.Void) store.Change { return By().Voiding(v) }
