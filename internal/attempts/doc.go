// Package attempts slows down guesses at passwords and client secrets: it counts failed
// attempts by account and network and by address, and says how long the next one has to wait.
//
// It locks no account: guesses from elsewhere slow down neither a person with a browser that
// signed in before nor a client whose secret is known to be right. It knows no passwords.
// Start at [Guard].
package attempts
