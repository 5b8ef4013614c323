package handlers

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"runtime/debug"
	"slices"
	"time"

	"github.com/go-chi/chi/v5/middleware"

	"authserver/internal/admission"
	"authserver/internal/grants"
	"authserver/internal/oauth"
	"authserver/internal/store"
	"authserver/internal/telemetry"
	"authserver/internal/web"
)

// note is what an endpoint learns for the log line of its request.
type note struct {
	seat     seat
	from     web.ClientAddress
	called   []string // the published URLs that the client may have called
	grant    string
	clientID string // that authenticated
	claimed  string // that a request which was refused named
	method   oauth.AuthMethod
	subject  string
	issuer   string // of an assertion
	jti      string
	family   string // in hex
	outcome  string
}

// take notes what an answer to a token request says of its access token.
func (n *note) take(a grants.Answer) {
	n.outcome, n.subject, n.issuer, n.jti = a.Outcome, a.Subject, a.Issuer, a.ID
	if a.Family != (store.FamilyID{}) {
		n.family = hex.EncodeToString(a.Family[:])
	}
}

// wrap puts around an endpoint what all of them share: a request id, a deadline,
// one log line, one count, and one way to render what went wrong.
func (h *Handlers) wrap(row route, called []string, limit time.Duration, places *admission.Places) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		began := h.Now()
		id, err := telemetry.NewRequestID(r.Header.Get("X-Request-Id"), h.Rand)
		if err != nil {
			h.Logger.Error("no request id", "error", err)
		}
		ctx := telemetry.WithRequestID(r.Context(), id)
		if limit > 0 && row.method == http.MethodPost { // what is read is there, or bounded by itself
			var cancel context.CancelFunc
			ctx, cancel = context.WithTimeout(ctx, limit)
			defer cancel()
		}
		w.Header().Set("X-Request-Id", id)
		w.Header().Set("X-Content-Type-Options", "nosniff")
		answer := middleware.NewWrapResponseWriter(w, r.ProtoMajor)
		h.Metrics.RequestBegan()
		n := note{seat: seat{w: w}, from: h.TrustedProxies.ClientAddress(r), called: called}
		if err = places.Enter(&n.seat.place, n.from.Share, row.method != http.MethodPost); err == nil {
			defer n.seat.place.Leave()
			if row.method != http.MethodPost {
				_ = n.seat.answer() // it has just been given its place
			}
			err = h.guarded(row.serve, answer, r.WithContext(ctx), &n)
		}
		if err != nil && answer.Status() == 0 {
			if n.seat.leaves(r, err) {
				w.Header().Set("Connection", "close")
			}
			writeError(answer, id, err)
		}
		if r.ProtoMajor >= 2 && h.Crowded() {
			n.seat.finish(h.Now())
		}
		took := h.Now().Sub(began)
		h.Metrics.RequestEnded(row.path, answer.Status(), took)
		h.countFailure(err)
		switch {
		case shed(err): // to write of each would cost more than to refuse it; the metrics count them
			h.Shed.Do(func() { h.log(ctx, r, row, answer, &n, took, err) })
		case err != nil || !row.noLog:
			h.log(ctx, r, row, answer, &n, took, err)
		}
	})
}

// guarded turns a panic into an error, so that one request cannot end the server.
func (h *Handlers) guarded(serve endpoint, w http.ResponseWriter, r *http.Request, n *note) (err error) {
	defer func() {
		switch p := recover(); p {
		case nil:
		case http.ErrAbortHandler:
			panic(p)
		default:
			err = fmt.Errorf("panic: %v\n%s", p, debug.Stack())
		}
	}()
	return serve(w, r, n)
}

func (h *Handlers) countFailure(err error) {
	if err == nil {
		return
	}
	_, refused := classify(err)
	h.Metrics.Refused(string(refused.Code), refused.Reason)
	switch {
	case errors.Is(err, store.ErrUnavailable):
		h.Metrics.StoreError("unavailable")
	case errors.Is(err, context.DeadlineExceeded):
		h.Metrics.StoreError("timeout")
	}
}

// suspicious are the reasons that speak of a stolen token or assertion: whoever
// runs the server wants to be woken by them.
func suspicious() []string {
	return []string{"refresh_reused", "refresh_wrong_client", "refresh_wrong_key", "assertion_replayed", "dpop_replayed"}
}

// log writes the one line of a request. What is refused is ordinary; what the
// server failed at is an error.
func (h *Handlers) log(ctx context.Context, r *http.Request, row route, answer middleware.WrapResponseWriter, n *note, took time.Duration, err error) {
	level := slog.LevelInfo
	attrs := []slog.Attr{
		slog.String("method", r.Method),
		slog.String("route", row.path),
		slog.Int("status", answer.Status()),
		slog.Float64("duration_ms", float64(took.Microseconds())/1000),
		slog.String("client_address", n.from.Text),
	}
	for _, learnt := range []slog.Attr{
		slog.String("proxy", n.from.Proxy), slog.String("grant", n.grant), slog.String("client_id", n.clientID), slog.String("claimed_client_id", n.claimed), slog.String("auth_method", string(n.method)),
		slog.String("iss", n.issuer), slog.String("sub", n.subject), slog.String("jti", n.jti), slog.String("family", n.family), slog.String("outcome", n.outcome),
	} {
		if learnt.Value.String() != "" {
			attrs = append(attrs, learnt)
		}
	}
	if err != nil {
		_, refused := classify(err)
		attrs = append(attrs, slog.String("error_code", string(refused.Code)), slog.String("reason", refused.Reason), slog.Any("error", err))
		switch {
		case r.Context().Err() != nil: // the client is gone: nobody failed
		case answer.Status() >= http.StatusInternalServerError:
			level = slog.LevelError
		case slices.Contains(suspicious(), refused.Reason):
			level = slog.LevelWarn
			attrs = append(attrs, slog.Bool("audit", true))
		}
	}
	h.Logger.LogAttrs(ctx, level, "request", attrs...)
}
