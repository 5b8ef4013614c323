// Package handlers owns the endpoints: each is a file with a struct of what it needs, and a
// row in the table of routes.go. enter.go authenticates the clients for most of them.
//
// It refuses SQL, cryptography, and rules about tokens, which belong to tokens and grants. The
// parts that all endpoints share are in web. Start at routes.go, then at token.go.
package handlers
