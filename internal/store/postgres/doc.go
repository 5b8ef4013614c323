// Package postgres keeps the store in PostgreSQL 13 or newer, for any number of
// replicas.
//
// It depends on nothing that a session keeps, so that PgBouncer may stand between
// in transaction mode (with default_query_exec_mode=exec in the URL): locks are
// those of a transaction, time limits are the caller's contexts. Every statement
// is correct at READ COMMITTED. Only the watcher needs a session, and has a
// connection of its own.
//
// Statements that many requests send at once go together where they wait for the
// database anyway: see pipeline.go.
//
// It refuses now(): moments are parameters. Start at [Open].
package postgres
