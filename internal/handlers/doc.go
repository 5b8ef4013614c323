// Package handlers owns the endpoints: each is a file with a struct of what it needs, and a
// row in the table of routes.go. enter.go lets the clients in that most of them are for.
//
// It refuses SQL, cryptography, and rules about tokens, which tokens and grants have; what
// every endpoint shares is in web. Start at routes.go, then at token.go.
package handlers
