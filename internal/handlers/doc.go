// Package handlers is what touches an HTTP request: routes.go is the table of
// the endpoints, errors.go the only place that knows which status an error has,
// and every endpoint is a file.
//
// It refuses SQL and cryptography. Start at routes.go, then at token.go.
package handlers
