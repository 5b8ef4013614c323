package telemetry

import (
	"context"
	"io"
	"log/slog"
)

// NewLogger returns a logger that writes lines of the format "text" or, for any
// other, of JSON. It adds request_id from the context ([WithRequestID]) and
// redacts what looks like a secret: see [redact].
func NewLogger(w io.Writer, level slog.Level, format string) *slog.Logger {
	options := &slog.HandlerOptions{Level: level, ReplaceAttr: redact}
	var lines slog.Handler = slog.NewJSONHandler(w, options)
	if format == "text" {
		lines = slog.NewTextHandler(w, options)
	}
	return slog.New(requestIDHandler{lines})
}

// requestIDHandler adds the request id to each line, in whatever group is open.
type requestIDHandler struct{ next slog.Handler }

func (h requestIDHandler) Enabled(ctx context.Context, level slog.Level) bool {
	return h.next.Enabled(ctx, level)
}

func (h requestIDHandler) Handle(ctx context.Context, r slog.Record) error {
	if id := RequestID(ctx); id != "" {
		r = r.Clone() // AddAttrs may write to what other handlers share
		r.AddAttrs(slog.String("request_id", id))
	}
	return h.next.Handle(ctx, r)
}

func (h requestIDHandler) WithAttrs(attrs []slog.Attr) slog.Handler {
	return requestIDHandler{h.next.WithAttrs(attrs)}
}

func (h requestIDHandler) WithGroup(name string) slog.Handler {
	return requestIDHandler{h.next.WithGroup(name)}
}
