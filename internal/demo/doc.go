// Package demo owns the app that `dev` shows: a small relying party that signs people in at
// this very server, as any app would. It speaks HTTP with the server, by golang.org/x/oauth2
// and go-oidc, and knows nothing of it but its address and a public client.
//
// It refuses browsers on other machines, since its client is registered for 127.0.0.1, and it
// keeps what it knows in memory: a bounded number of browsers, each for a few hours.
//
// Start at [Demo.Routes]; relyingparty.go is what an app has to do, in order.
package demo
