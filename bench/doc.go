// Package bench measures the built binary over HTTP, each row as a ratio to a
// floor that is taken in the same run: the least that the same work costs on the
// same machine at the same moment.
//
// Run it with make bench, which brings a PostgreSQL.
package bench
