// Package web owns what every HTTP listener of the server shares: the address of the
// client, the request id, the bounds on body and time, the one log line, CORS, and the
// rendering of errors.
//
// It refuses to know any endpoint: each is a row of a table that another room passes in, and
// returns its faults as an error. Start at door.go; limits.go has the bounds on a connection.
package web
