package server

import (
	"context"
	"net/http"
	"time"

	"authserver/internal/handlers"
)

// drain is how a server stops: how long it serves while it is not ready, and how long after that it
// finishes accepted requests.
type drain struct{ delay, timeout time.Duration }

// awaitProxies gives the proxies time to notice that the server is not ready, while it still
// accepts connections: a listener that closes at once resets those that the kernel has already
// accepted. A server that failed, instead of being stopped, does not wait.
func awaitProxies(told context.Context, delay time.Duration) {
	if told.Err() == nil || delay == 0 {
		return
	}
	time.Sleep(delay)
}

// closeWhileDraining answers with Connection: close once the server drains, so that a
// proxy sends its next request on a new connection, and has no idle one that breaks
// when the listener closes.
func closeWhileDraining(health *handlers.Health, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if health.Draining() {
			w.Header().Set("Connection", "close")
		}
		next.ServeHTTP(w, r)
	})
}
