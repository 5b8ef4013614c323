// Package admission owns who may use what there is little of, and when: a [Gate]
// lets a few in at once, has a bounded number wait for a bounded time, and gives
// turns to those who ask, so that the flood of one is a queue for that one alone.
//
// It refuses to know what is behind a gate and who asks: to it a caller is a text.
package admission
