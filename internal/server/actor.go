package server

import (
	"cmp"
	"os"

	"authserver/internal/store"
)

// actor is this host, for the audit of what a server does by itself, such as a planned
// rotation, without an administrator.
func actor() store.Actor {
	host, _ := os.Hostname() // a host without a name stays unnamed
	return store.Actor{Type: store.ActorServer, ID: cmp.Or(host, "unknown host")}
}
