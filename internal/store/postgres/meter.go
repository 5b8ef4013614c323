package postgres

import (
	"context"
	"sync/atomic"

	"github.com/jackc/pgx/v5"
)

// meter counts the statements that pgx sends.
type meter struct{ sent atomic.Int64 }

// TraceQueryStart implements [pgx.QueryTracer].
func (m *meter) TraceQueryStart(ctx context.Context, _ *pgx.Conn, _ pgx.TraceQueryStartData) context.Context {
	m.sent.Add(1)
	return ctx
}

// TraceQueryEnd implements [pgx.QueryTracer].
func (m *meter) TraceQueryEnd(context.Context, *pgx.Conn, pgx.TraceQueryEndData) {}

// RoundTrips returns how many statements the pool has sent.
func (d *DB) RoundTrips() int64 { return d.meter.sent.Load() }
