// Package blackbox tests the built binary through the interfaces of its users: the command line,
// HTTP, and the database that it leaves behind.
package blackbox
