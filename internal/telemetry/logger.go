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
	options := &slog.HandlerOptions{Level: level}
	var lines slog.Handler = slog.NewJSONHandler(w, options)
	if format == "text" {
		lines = slog.NewTextHandler(w, options)
	}
	return slog.New(handler{next: lines})
}

// handler redacts each line and adds the request id, in any group. It does so before the handler
// that writes: a ReplaceAttr for redaction would double the cost of a line.
type handler struct {
	next   slog.Handler
	hidden bool // an open group has the name of a secret
}

func (h handler) Enabled(ctx context.Context, level slog.Level) bool {
	return h.next.Enabled(ctx, level)
}

func (h handler) Handle(ctx context.Context, r slog.Record) error {
	var room [16]slog.Attr
	attrs := room[:0]
	r.Attrs(func(a slog.Attr) bool {
		attrs = append(attrs, redact(h.hidden, a))
		return true
	})
	if id := RequestID(ctx); id != "" {
		attrs = append(attrs, slog.String("request_id", id))
	}
	safe := slog.NewRecord(r.Time, r.Level, withoutTokens(r.Message), r.PC)
	safe.AddAttrs(attrs...)
	return h.next.Handle(ctx, safe)
}

func (h handler) WithAttrs(attrs []slog.Attr) slog.Handler {
	h.next = h.next.WithAttrs(redactAll(h.hidden, attrs))
	return h
}

func (h handler) WithGroup(name string) slog.Handler {
	h.next, h.hidden = h.next.WithGroup(name), h.hidden || secret(name)
	return h
}
