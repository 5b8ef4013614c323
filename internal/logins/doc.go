// Package logins authenticates people: a file per method. It refuses to begin a session and to know
// HTTP. A method returns the user, or refuses with the same text for every fault. Start at
// password.go.
package logins
