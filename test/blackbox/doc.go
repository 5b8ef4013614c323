// Package blackbox tests the built binary through what its users have: the
// command line, HTTP, and the database it left behind.
package blackbox
