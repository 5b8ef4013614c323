package admin

import (
	"time"

	"authserver/internal/store"
)

// Call has the actor of an operation and its request. Every operation takes one, and records its
// changes under it.
type Call struct {
	Actor     store.Actor // a change by the zero Actor is refused
	RequestID string      // "": a command
}

// Operator is the call of a command that an account of a host runs.
func Operator(account, host string) Call {
	return Call{Actor: store.Actor{Type: store.ActorOperator, ID: account + "@" + host}}
}

// change makes the change of the store for the call.
func (c Call) change(what store.EventType, at time.Time) store.Change {
	return store.Change{Actor: c.Actor, Event: what, At: store.At(at), RequestID: c.RequestID}
}
