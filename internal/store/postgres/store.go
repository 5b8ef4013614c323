package postgres

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"math/rand/v2"
	"net"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"

	"authserver/internal/bcp195"
	"authserver/internal/store"
	"authserver/migrations"
)

var _ store.Store = (*DB)(nil)

// Options name the database and bound its use.
type Options struct {
	URL            string        // in the form of libpq; may name several hosts (target_session_attrs=read-write)
	MaxConns       int32         // 0: pool_max_conns of the URL, or pgx's default
	ConnectTimeout time.Duration // for one connection; 0: 5 s
	QueryTimeout   time.Duration // for one call, including the wait for a connection; 0: 5 s
	Logger         *slog.Logger  // logs lost watchers and retried deadlocks; nil: nothing
}

// DB is a store in one PostgreSQL database.
type DB struct {
	pool         *pgxpool.Pool
	pipeline     *pipeline
	session      *pgx.ConnConfig // of connections outside the pool: the watcher's and the migrations'
	queryTimeout time.Duration
	steps        fs.FS                   // the migrations
	tables       []string                // the tables after the last migration
	trouble      atomic.Pointer[trouble] // of a call a short time ago; nil: none
	log          *slog.Logger
	meter        *meter
	sweptTo      atomic.Int64 // sweep_at of the last family that the present sweep has read, in microseconds
}

// Open connects, so that a wrong URL is reported at once. It does not migrate.
func Open(ctx context.Context, o Options) (*DB, error) {
	const doing = "open the PostgreSQL database"
	if o.ConnectTimeout <= 0 {
		o.ConnectTimeout = 5 * time.Second
	}
	if o.QueryTimeout <= 0 {
		o.QueryTimeout = 5 * time.Second
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	config, err := pgxpool.ParseConfig(o.URL)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", doing, unusable(o.URL))
	}
	steps, err := migrations.Postgres()
	if err != nil {
		return nil, err
	}
	tables, err := migrations.Tables(steps)
	if err != nil {
		return nil, err
	}
	if o.MaxConns > 0 {
		config.MaxConns = o.MaxConns
	}
	configure(config.ConnConfig, o)
	d := &DB{session: config.ConnConfig.Copy(), queryTimeout: o.QueryTimeout, steps: steps, tables: tables, log: o.Logger, meter: &meter{}}
	config.ConnConfig.Tracer = d.meter
	if d.pool, err = pgxpool.NewWithConfig(ctx, config); err != nil {
		return nil, fault(doing, err)
	}
	d.pipeline = &pipeline{send: d.sendTogether, alone: d.sendAlone, most: int(config.MaxConns)}
	if err := d.do(ctx, doing, d.pool.Ping); err != nil {
		d.pool.Close()
		return nil, err
	}
	return d, nil
}

func configure(c *pgx.ConnConfig, o Options) {
	c.ConnectTimeout = o.ConnectTimeout
	if c.RuntimeParams["application_name"] == "" {
		c.RuntimeParams["application_name"] = "authserver"
	}
	if c.TLSConfig != nil { // as sslmode demands
		bcp195.Restrict(c.TLSConfig)
	}
	for _, other := range c.Fallbacks { // other hosts, and other ways to connect to a host
		if other.TLSConfig != nil {
			bcp195.Restrict(other.TLSConfig)
		}
	}
	// A primary that became a standby still accepts connections: find the new primary.
	keep := c.OnPgError
	c.OnPgError = func(conn *pgconn.PgConn, e *pgconn.PgError) bool { return e.Code != readOnlyServer && keep(conn, e) }
	// A peer that is gone is noticed within half a minute, without a query.
	dialer := &net.Dialer{KeepAliveConfig: net.KeepAliveConfig{
		Enable: true, Idle: 15 * time.Second, Interval: 5 * time.Second, Count: 3,
	}}
	c.DialFunc = dialer.DialContext
}

// closeWait bounds how long Close takes if the network drops its messages.
const closeWait = 2 * time.Second

// Close closes the connections. Calls after it fail.
func (d *DB) Close() {
	closed := make(chan struct{})
	go func() {
		d.pool.Close()
		close(closed)
	}()
	timer := time.NewTimer(closeWait)
	defer timer.Stop()
	select {
	case <-closed:
	case <-timer.C:
	}
}

// maxRetries bounds how often a call is repeated.
const maxRetries = 3

// do runs a call within the time limit. It repeats the step if PostgreSQL asked for it or nothing
// was sent yet, so step must be repeatable. If a call runs out of time, pgx closes the connection
// and cancels the statement in the server.
func (d *DB) do(ctx context.Context, doing string, step func(context.Context) error) error {
	err := d.try(ctx, doing, step)
	d.note(err)
	return err
}

// try is do for a call whose failure does not affect the health check.
func (d *DB) try(ctx context.Context, doing string, step func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(ctx, d.queryTimeout)
	defer cancel()
	for retry := 1; ; retry++ {
		err := step(ctx)
		if err == nil || retry > maxRetries || !mayRetry(err) {
			return fault(doing, err)
		}
		d.log.WarnContext(ctx, "a database call begins anew", "doing", doing, "retry", retry, "error", err)
		wait := time.Duration(retry) * (5*time.Millisecond + rand.N(20*time.Millisecond)) //nolint:gosec // jitter is no secret
		if pause(ctx, wait) != nil {
			return fault(doing, err)
		}
	}
}

// change runs step in a transaction, and commits if step returns nil.
func (d *DB) change(ctx context.Context, doing string, step func(context.Context, pgx.Tx) error) error {
	return d.do(ctx, doing, func(ctx context.Context) error {
		return pgx.BeginFunc(ctx, d.pool, func(tx pgx.Tx) error { return step(ctx, tx) })
	})
}

// exec runs a single statement.
func (d *DB) exec(ctx context.Context, doing, statement string, args ...any) error {
	return d.do(ctx, doing, func(ctx context.Context) error {
		_, err := d.pool.Exec(ctx, statement, args...)
		return err
	})
}

// pause waits for d, or until ctx ends and returns its error.
func pause(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// mayRetry reports whether the call changed nothing and may succeed if it is repeated.
func mayRetry(err error) bool {
	var e *pgconn.PgError
	if errors.As(err, &e) {
		return e.Code == "40001" || e.Code == "40P01" // serialization failure, deadlock
	}
	return pgconn.SafeToRetry(err)
}
