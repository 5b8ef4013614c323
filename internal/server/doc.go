// Package server starts and stops the server: openstore.go chooses the engine, wire.go is the only
// place where the parts meet, loops.go runs the work in the background, serve.go listens and
// drains.
//
// It decides nothing about OAuth. Start at [Serve].
package server
