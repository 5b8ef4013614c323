// Package parsed caches what was parsed from bytes, such as registered keys and certificates, so
// that they are parsed once instead of for each request.
//
// It finds an entry by the bytes, not by their row: a row that changes has other bytes, so the
// cache need not follow the database. Start at [Cache.Get].
package parsed
