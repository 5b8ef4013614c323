package handlers

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"time"

	"authserver/internal/events"
	"authserver/internal/grants"
	"authserver/internal/store"
	"authserver/internal/telemetry"
	"authserver/internal/web"
)

// Audit records signs of a stolen assertion or proof. The store records those of a stolen
// refresh token, with its rotation.
type Audit struct {
	Events interface {
		RecordEvent(ctx context.Context, e store.Event) error
	}
	Logger *slog.Logger
	Now    func() time.Time
}

// recordReplays records that an endpoint refused an assertion or a proof that was used before. The
// assertion or proof was verified first, and is recorded once, however often it comes.
func (a *Audit) recordReplays(serve web.Endpoint) web.Endpoint {
	return func(w http.ResponseWriter, r *http.Request, n *web.RequestInfo) error {
		err := serve(w, r, n)
		if err == nil {
			return nil
		}
		var replay *grants.ReplayError
		if errors.As(err, &replay) {
			a.record(r.Context(), n, replay.Use)
		}
		return err
	}
}

func (a *Audit) record(ctx context.Context, n *web.RequestInfo, use store.Use) {
	e := events.Replayed(store.At(a.Now()), use, n.ClientID, telemetry.RequestID(ctx))
	if err := a.Events.RecordEvent(ctx, e); err != nil {
		a.Logger.ErrorContext(ctx, "an event cannot be recorded", "type", string(e.Type), "error", err)
	}
}
