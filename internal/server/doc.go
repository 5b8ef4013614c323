// Package server is what is started and stopped: openstore.go chooses the engine,
// wire.go is the only place where the parts meet, loops.go is what runs in the
// background, serve.go listens and drains.
//
// It decides nothing about OAuth. Start at [Serve].
package server
