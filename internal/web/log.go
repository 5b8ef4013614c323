package web

import (
	"context"
	"log/slog"
	"net/http"
	"time"

	"github.com/go-chi/chi/v5/middleware"
)

// RequestInfo is what the server learns of a request, for its log line and for its endpoint.
// The log leaves out what stays empty.
type RequestInfo struct {
	From ClientAddress
	URLs []string // the published URLs that the client may have called

	Grant    string
	ClientID string // the client that authenticated
	Claimed  string // the client that a refused request named
	Method   string // by which the client authenticated
	Subject  string
	Username string // of the subject, if that is a user
	Issuer   string // of an assertion
	ID       string // "jti" of the access token
	Family   string // in hex
	Outcome  string
	// RevokedAt and Revocation are when and why a refused family was revoked.
	RevokedAt  time.Time
	Revocation string
	// Reason is why a token is not active, in an answer that is not an error.
	Reason string
	// Refusal is the error that the answer has told already, for example by a redirect; nil: none.
	Refusal error

	route string        // as logs and metrics have it
	took  time.Duration // from the request to its answer
	slot  requestSlot
}

// maxAttrs is how many attributes a line has at most.
const maxAttrs = 24

// formatTime is a moment as a log line has it; "": there is none.
func formatTime(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format(time.RFC3339Nano)
}

// log writes the line of a request. A refusal is ordinary; a failure of the server is an error.
func (d *Door) log(ctx context.Context, r *http.Request, answer middleware.WrapResponseWriter, n *RequestInfo, err error) {
	level := slog.LevelInfo
	attrs := append(make([]slog.Attr, 0, maxAttrs),
		slog.String("method", r.Method),
		slog.String("route", n.route),
		slog.Int("status", answer.Status()),
		slog.Float64("duration_ms", float64(n.took.Microseconds())/1000),
		slog.String("client_address", n.From.Text),
	)
	learn := func(name, value string) {
		if value != "" {
			attrs = append(attrs, slog.String(name, value))
		}
	}
	learn("proxy", n.From.Proxy)
	learn("grant", n.Grant)
	learn("client_id", n.ClientID)
	learn("claimed_client_id", n.Claimed)
	learn("auth_method", n.Method)
	learn("iss", n.Issuer)
	learn("sub", n.Subject)
	learn("username", n.Username)
	learn("jti", n.ID)
	learn("family", n.Family)
	learn("outcome", n.Outcome)
	learn("revoked_at", formatTime(n.RevokedAt))
	learn("revocation_reason", n.Revocation)
	if err == nil {
		learn("reason", n.Reason)
	} else {
		_, refused := Classify(err)
		attrs = append(attrs, slog.String("error_code", string(refused.Code)), slog.String("reason", refused.Reason), slog.Any("error", err))
		switch {
		case r.Context().Err() != nil: // the client disconnected: the server did not fail
		case answer.Status() >= http.StatusInternalServerError:
			level = slog.LevelError
		case refused.Audit:
			level = slog.LevelWarn
			attrs = append(attrs, slog.Bool("audit", true))
		}
	}
	if !d.Logger.Enabled(ctx, level) {
		return
	}
	// Logger.LogAttrs would look up the line of code, which the log does not show.
	record := slog.NewRecord(d.Now(), level, "request", 0)
	record.AddAttrs(attrs...)
	_ = d.Logger.Handler().Handle(ctx, record) // slog, too, ignores that a log cannot be written
}
