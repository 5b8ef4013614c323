// Package postgres is the store in PostgreSQL 13 or newer, for any number of replicas.
//
// It uses no state of a session, so that it works through PgBouncer in transaction mode (with
// default_query_exec_mode=exec in the URL): locks belong to a transaction, and time limits are the
// caller's contexts. Every statement is correct at READ COMMITTED. Only the watcher needs a
// session, and has a connection of its own.
//
// Statements of concurrent requests share round trips if they have to wait for the database anyway:
// see pipeline.go.
//
// It refuses now(): moments are parameters. Start at [Open].
package postgres
