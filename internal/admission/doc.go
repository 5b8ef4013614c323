// Package admission shares out what is scarce. A [Gate] lets a few callers in at once,
// has a bounded number wait for a bounded time, and gives the callers turns, so that a
// client that floods the server waits in its own queue.
//
// It refuses to know what is behind a gate and what a caller is: to it a caller is a
// string.
package admission
