// Package parsed remembers what was found out about bytes, such as the keys and certificates that
// are on file, so that they are parsed once instead of for each request.
//
// It finds them by their bytes, not by their row: a row that changes has other bytes, so no
// cache has to follow the database. Start at [Cache.Get].
package parsed
