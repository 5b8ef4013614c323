package admin

import (
	"time"

	"authserver/internal/store"
)

// Call is who asks for an operation, and in which request. Every operation takes one, and
// what it changes is recorded under it.
type Call struct {
	Actor     store.Actor // a change by the zero Actor is refused
	RequestID string      // "": a command asked
}

// Operator is the call of a command that an account of a host runs.
func Operator(account, host string) Call {
	return Call{Actor: store.Actor{Type: store.ActorOperator, ID: account + "@" + host}}
}

// change is a change of the store that the call asks for.
func (c Call) change(what store.EventType, at time.Time) store.Change {
	return store.Change{Actor: c.Actor, Event: what, At: store.At(at), RequestID: c.RequestID}
}
