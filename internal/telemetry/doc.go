// Package telemetry owns the request id, the log and the metrics.
//
// It refuses to show secrets and to grow: attributes that look like secrets are redacted as a
// second line of defence behind callers who do not log them, and every label takes its values from
// a bounded set. Start at [NewLogger] and [Metrics].
package telemetry
