// Package admission shares out what is scarce. A [Gate] admits a few callers at once, lets a
// bounded number wait for a bounded time, and gives the callers turns, so that a client that floods
// the server waits in its own queue.
//
// It refuses to know what a gate protects and what a caller is: a caller is a string.
package admission
