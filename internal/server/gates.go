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

// How long a request waits for its turn: less than clients are ready to wait for an
// answer, and for a login, which takes long by itself, some more.
const (
	turnWait  = time.Second
	loginWait = 2 * time.Second
	// bodyBytes is what the bodies of all requests may take together: 512 of the largest, or
	// tens of thousands as they usually are.
	bodyBytes = 32 << 20
	// shedLogged is how far the log lines of refused requests are apart, at least.
	shedLogged = 100 * time.Millisecond
)

// gateSettings are what bounds the requests.
type gateSettings struct {
	config.Load
	config.Logins
	config.Database
}

// newGates makes those of the public listener, one for each kind of request, so that what
// holds up one kind, bcrypt or a database that is gone, fills no other's.
func newGates(registry *grants.Registry, s gateSettings) map[string]*admission.Gate {
	kinds := []string{handlers.KindIntrospection, handlers.KindRevocation, handlers.KindPush, handlers.KindSignIn, handlers.KindOther}
	for _, grant := range registry.Types() {
		kinds = append(kinds, string(grant))
	}
	all := make(map[string]*admission.Gate, len(kinds))
	for _, kind := range kinds {
		all[kind] = &admission.Gate{Slots: requestSlots(s.Database), Queue: s.RequestQueue, Wait: turnWait, Spare: true, Now: time.Now}
	}
	// One more login at once, from any client, would wait behind those that compute.
	all[string(oauth.Password)] = &admission.Gate{Slots: passwordWorkers(s.Logins), Queue: s.PasswordQueue, Wait: loginWait, Now: time.Now}
	return all
}

// requestSlots is enough for one client alone, which gets half of it, to keep every
// processor and every connection to the database busy.
func requestSlots(s config.Database) int {
	return 2 * max(4*runtime.GOMAXPROCS(0), s.DatabaseMaxConns)
}

// passwordWorkers is how many passwords are compared at once.
func passwordWorkers(s config.Logins) int {
	if s.PasswordWorkers > 0 {
		return s.PasswordWorkers
	}
	return computations(runtime.GOMAXPROCS(0))
}

// computations is how many signatures, or comparisons of passwords, run at once on so many
// processors. Go looks at the network when a processor has nothing else to do, and
// otherwise every 10 ms. Of three and more processors one is left for that. Of two none is:
// it would cost half of the logins.
func computations(processors int) int { return min(processors, max(2, processors-1)) }
