// Package web owns what every HTTP door of the server shares: whose address a request
// has, its id, the bounds on its body and its time, the one log line, what other origins
// may read, and how an error is rendered.
//
// It refuses to know any endpoint: each is a row of a table that its room hands over, and
// returns what went wrong as an error. Start at door.go; limits.go has the bounds on a
// connection.
package web
