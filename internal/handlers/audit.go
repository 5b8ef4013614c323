package handlers

import (
	"cmp"
	"context"
	"encoding/hex"
	"errors"
	"log/slog"
	"net/http"
	"time"

	"authserver/internal/grants"
	"authserver/internal/store"
	"authserver/internal/telemetry"
	"authserver/internal/web"
)

// Audit records what speaks of a stolen assertion or proof. What speaks of a stolen refresh
// token the store records with its rotation.
type Audit struct {
	Events interface {
		RecordEvent(ctx context.Context, e store.Event) error
	}
	Logger *slog.Logger
	Now    func() time.Time
}

// replays records where an endpoint refuses what is good once and came a second time. Only
// what was verified can be a repetition, and each is recorded once, however often it comes.
func (a *Audit) replays(serve web.Endpoint) web.Endpoint {
	return func(w http.ResponseWriter, r *http.Request, n *web.Note) error {
		err := serve(w, r, n)
		var replay *grants.Replay
		if errors.As(err, &replay) {
			a.record(r.Context(), n, replay.Use)
		}
		return err
	}
}

func (a *Audit) record(ctx context.Context, n *web.Note, use store.Use) {
	e := store.Event{
		At: store.At(a.Now()), Type: store.AssertionReplayed, ClientID: n.ClientID, RequestID: telemetry.RequestID(ctx),
		Actor:   store.Actor{Type: store.ActorClient, ID: cmp.Or(n.ClientID, use.Issuer)},
		Details: store.EventDetails{ID: hex.EncodeToString(use.ID[:]), Name: use.Issuer},
	}
	if use.Issuer == dpopNamespace {
		e.Type = store.ProofReplayed
	}
	e.Once = string(e.Type) + " " + use.Issuer + " " + e.Details.ID
	if err := a.Events.RecordEvent(ctx, e); err != nil {
		a.Logger.ErrorContext(ctx, "an event cannot be recorded", "type", string(e.Type), "error", err)
	}
}
