package postgres

import (
	"context"
	"database/sql/driver"
	"errors"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"
)

// migrationConnector makes the connection that golang-migrate works on. Its driver runs every
// statement without a deadline, and takes a session lock, which PgBouncer in transaction mode would
// leave on some server for ever. Here each statement ends with the migration's context, and the
// session lock is left out, because the transaction lock around the migration replaces it.
type migrationConnector struct {
	driver.Connector
	ctx context.Context // the interface in between has no parameter for it
}

func newMigrationConnector(ctx context.Context, config *pgx.ConnConfig) migrationConnector {
	config = config.Copy()
	config.DefaultQueryExecMode = pgx.QueryExecModeExec // a prepared statement belongs to a session
	return migrationConnector{Connector: stdlib.GetConnector(*config), ctx: ctx}
}

func (c migrationConnector) Connect(context.Context) (driver.Conn, error) {
	conn, err := c.Connector.Connect(c.ctx)
	if err != nil {
		return nil, err
	}
	pgxConn, ok := conn.(*stdlib.Conn)
	if !ok {
		return nil, errors.Join(errors.New("pgx made a connection of an unknown kind"), conn.Close())
	}
	return migrationConn{Conn: pgxConn, ctx: c.ctx}, nil
}

type migrationConn struct {
	*stdlib.Conn
	ctx context.Context // see migrationConnector
}

func (c migrationConn) ExecContext(_ context.Context, query string, args []driver.NamedValue) (driver.Result, error) {
	if strings.HasPrefix(query, "SELECT pg_advisory_lock(") || strings.HasPrefix(query, "SELECT pg_advisory_unlock(") {
		return driver.ResultNoRows, nil
	}
	return c.Conn.ExecContext(c.ctx, query, args)
}

func (c migrationConn) QueryContext(_ context.Context, query string, args []driver.NamedValue) (driver.Rows, error) {
	return c.Conn.QueryContext(c.ctx, query, args)
}

func (c migrationConn) BeginTx(_ context.Context, opts driver.TxOptions) (driver.Tx, error) {
	return c.Conn.BeginTx(c.ctx, opts)
}
