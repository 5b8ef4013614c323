// Package attempts slows down guesses at passwords and client secrets: it counts failed
// attempts by account and network and by address, and says how long the next one has to wait.
//
// It locks no account: guesses from elsewhere do not slow down a person whose browser signed in
// before, nor a client whose secret was verified before. It refuses to know passwords. Start at
// [Guard].
package attempts
