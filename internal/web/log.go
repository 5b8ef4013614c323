package web

import (
	"context"
	"log/slog"
	"net/http"
	"slices"
	"time"

	"github.com/go-chi/chi/v5/middleware"
)

// RequestInfo is what the server learns of a request, for its log line and for its endpoint.
// The log leaves out what stays empty.
type RequestInfo struct {
	From   ClientAddress
	Called []string // the published URLs that the client may have called

	Grant    string
	ClientID string // that authenticated
	Claimed  string // that a request which was refused named
	Method   string // by which the client authenticated
	Subject  string
	Username string // of the subject, where that is a user
	Issuer   string // of an assertion
	ID       string // "jti" of the access token
	Family   string // in hex
	Outcome  string
	// RevokedAt and Revocation are when and why a family that was refused became void.
	RevokedAt  time.Time
	Revocation string
	// Told is a refusal that the answer has told already, for example by a redirect; nil: none.
	Told error

	seat requestSlot
}

// suspicious are the reasons that are signs of a stolen token or assertion: the log marks
// them for the audit.
func suspicious() []string {
	return []string{"refresh_reused", "refresh_wrong_client", "refresh_wrong_key", "assertion_replayed", "dpop_replayed"}
}

// formatTime is a moment as a log line has it; "": there is none.
func formatTime(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format(time.RFC3339Nano)
}

// log writes the one line of a request. What is refused is ordinary; what the
// server failed at is an error.
func (d *Door) log(ctx context.Context, r *http.Request, row Route, answer middleware.WrapResponseWriter, n *RequestInfo, took time.Duration, err error) {
	level := slog.LevelInfo
	attrs := []slog.Attr{
		slog.String("method", r.Method),
		slog.String("route", row.Path),
		slog.Int("status", answer.Status()),
		slog.Float64("duration_ms", float64(took.Microseconds())/1000),
		slog.String("client_address", n.From.Text),
	}
	for _, learnt := range []slog.Attr{
		slog.String("proxy", n.From.Proxy),
		slog.String("grant", n.Grant), slog.String("client_id", n.ClientID), slog.String("claimed_client_id", n.Claimed), slog.String("auth_method", n.Method),
		slog.String("iss", n.Issuer), slog.String("sub", n.Subject), slog.String("username", n.Username), slog.String("jti", n.ID), slog.String("family", n.Family), slog.String("outcome", n.Outcome),
		slog.String("revoked_at", formatTime(n.RevokedAt)), slog.String("revocation_reason", n.Revocation),
	} {
		if learnt.Value.String() != "" {
			attrs = append(attrs, learnt)
		}
	}
	if err != nil {
		_, refused := Classify(err)
		attrs = append(attrs, slog.String("error_code", string(refused.Code)), slog.String("reason", refused.Reason), slog.Any("error", err))
		switch {
		case r.Context().Err() != nil: // the client is gone: the server did not fail
		case answer.Status() >= http.StatusInternalServerError:
			level = slog.LevelError
		case slices.Contains(suspicious(), refused.Reason):
			level = slog.LevelWarn
			attrs = append(attrs, slog.Bool("audit", true))
		}
	}
	d.Logger.LogAttrs(ctx, level, "request", attrs...)
}
