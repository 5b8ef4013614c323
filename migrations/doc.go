// Package migrations holds the schema as numbered steps up and down, one folder per engine with the
// same numbers and names, and runs them by golang-migrate.
//
// A step only adds what the version before can ignore: expand first, contract a version later, so
// that old and new replicas run side by side. A step runs in one transaction and must not end it.
//
// It refuses to lock: golang-migrate's own locks hold only within one process (SQLite), or for a
// session, which PgBouncer does not keep (PostgreSQL). So the engines take their own locks around
// it. Start at [Up].
package migrations
