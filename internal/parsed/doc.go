// Package parsed keeps what was parsed of keys and certificates that are on file, so that
// they are parsed once and not for each request.
//
// It goes by their bytes and not by whose they are: a row that changes has other bytes, so
// that there is nothing to keep in step with the database. Start at [Cache.Get].
package parsed
