package server

import (
	"runtime"
	"time"

	"authserver/internal/admission"
	"authserver/internal/config"
	"authserver/internal/grants"
	"authserver/internal/handlers"
	"authserver/internal/oauth"
)

// How long a request waits for its turn: less than clients wait for an answer, and somewhat longer
// for a login, which takes long itself.
const (
	turnWait  = time.Second
	loginWait = 2 * time.Second
	// bodyBytes bounds the memory of the bodies of all requests: 512 of the largest, or tens of
	// thousands of the usual size.
	bodyBytes = 32 << 20
	// shedLogged is the least time between two log lines of requests that were refused under
	// overload.
	shedLogged = 100 * time.Millisecond
)

// gateSettings are the settings that bound requests.
type gateSettings struct {
	config.Load
	config.Logins
	config.Database
}

// newGates makes the gates of the public listener, one for each kind of request, so that a delay of
// one kind, by bcrypt or a database that is down, does not fill the queues of others.
func newGates(registry *grants.Registry, s gateSettings) map[string]*admission.Gate {
	kinds := []string{handlers.KindIntrospection, handlers.KindRevocation, handlers.KindPush, handlers.KindSignIn, handlers.KindOther}
	for _, grant := range registry.Types() {
		kinds = append(kinds, string(grant))
	}
	all := make(map[string]*admission.Gate, len(kinds))
	for _, kind := range kinds {
		all[kind] = &admission.Gate{Slots: requestSlots(s.Database), Queue: s.RequestQueue, Wait: turnWait, Spare: true, Now: time.Now}
	}
	// One more login at once would only wait for a processor.
	all[string(oauth.Password)] = &admission.Gate{Slots: passwordWorkers(s.Logins), Queue: s.PasswordQueue, Wait: loginWait, Now: time.Now}
	return all
}

// requestSlots is enough for one client alone, which gets half of it, to keep every
// processor and every connection to the database busy.
func requestSlots(s config.Database) int {
	return 2 * max(4*runtime.GOMAXPROCS(0), s.DatabaseMaxConns)
}

// passwordWorkers is the number of passwords that are compared at once.
func passwordWorkers(s config.Logins) int {
	if s.PasswordWorkers > 0 {
		return s.PasswordWorkers
	}
	return computations(runtime.GOMAXPROCS(0))
}

// computations is the number of signatures, or of password comparisons, that run at once. Go polls
// the network when a processor is idle, and otherwise every 10 ms. So one of three or more
// processors stays free. With two processors none does: it would cost half of the logins.
func computations(processors int) int { return min(processors, max(2, processors-1)) }
