package telemetry

import "context"

// requestIDKey is the key of the one value that may be put into a context.
type requestIDKey struct{}

// WithRequestID returns a context that carries the request id into every log
// line that is written with it.
func WithRequestID(ctx context.Context, id string) context.Context {
	return context.WithValue(ctx, requestIDKey{}, id)
}

// RequestID returns the request id that ctx carries, or "".
func RequestID(ctx context.Context) string {
	id, _ := ctx.Value(requestIDKey{}).(string)
	return id
}
