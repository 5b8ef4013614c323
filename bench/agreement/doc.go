// Package agreement measures how long replicas of the built binary disagree: from a change to the
// moment at which every other replica acts on it, with and without notifications from the database.
//
// Run it with make bench-agreement, which brings a PostgreSQL.
package agreement
