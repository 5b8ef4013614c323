// Package sqlite is the store in one SQLite file, for one machine: several processes may share it,
// several machines may not.
//
// Writes go through one connection, in transactions that take the write lock when they begin.
// Concurrent writes share a transaction. Reads go through a pool of connections that cannot write.
// Code inside a transaction gets the transaction as a parameter and never uses a pool, so that it
// cannot wait for itself.
//
// It refuses in-memory databases and network file systems. Start at [Open].
package sqlite
