package server

import (
	"context"
	"log/slog"
	"time"

	"authserver/internal/config"
	"authserver/internal/handlers"
	"authserver/internal/keys"
	"authserver/internal/store"
	"authserver/internal/tokens"
)

const (
	checkTimeout = 2 * time.Second
	checkFresh   = time.Second
)

// newHealth names what the server cannot do without.
func newHealth(st store.Health, manager *keys.Manager, view *tokens.View, s config.Timeline, logger *slog.Logger) *handlers.Health {
	feed := s.KeyPollInterval + retryLast + loopTimeout // the longest that one turn of the loop takes
	return &handlers.Health{
		Checks: []handlers.Check{
			{Name: "database", Run: st.CheckWritable},
			{Name: "signing_keys", Run: func(context.Context) error { return manager.Ready() }},
			{Name: "revocations", Run: func(context.Context) error { return view.Current(feed) }},
		},
		Timeout: checkTimeout, Fresh: checkFresh, Now: time.Now, Logger: logger,
	}
}
