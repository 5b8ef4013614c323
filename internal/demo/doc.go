// Package demo owns the app that `dev` shows: a small relying party that signs people in at this
// server, like any other app. It calls the server over HTTP with golang.org/x/oauth2 and go-oidc,
// and knows only its address and a public client.
//
// It refuses browsers on other machines, because its client is registered for 127.0.0.1. It keeps
// its state in memory: a bounded number of browsers, each for a few hours.
//
// Start at [Demo.Routes]; relyingparty.go has the steps of an app, in order.
package demo
