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

// newHealth lists the checks of what the server needs.
func newHealth(st store.Health, manager *keys.Manager, view *tokens.View, s config.Timeline, logger *slog.Logger) *handlers.Health {
	feed := s.KeyPollInterval + retryLast + loopTimeout // the longest time of one turn of the loop
	return &handlers.Health{
		Checks: []handlers.Check{
			{Name: "database", Run: st.CheckWritable},
			{Name: "signing_keys", Run: func(context.Context) error { return manager.Ready() }},
			{Name: "revocations", Run: func(context.Context) error { return view.Current(feed) }},
		},
		Timeout: checkTimeout, Fresh: checkFresh, Now: time.Now, Logger: logger,
	}
}
