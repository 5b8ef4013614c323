package main

import (
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"authserver/internal/config"
	"authserver/internal/server"
)

type serveCommand struct {
	config.Server
	Check bool `help:"Check the settings, the database and the keys, change nothing, and exit."`
}

func (c *serveCommand) Run(p *process) error {
	reload, stop := hangups()
	defer stop()
	if err := complete(&c.Server, config.Serve); err != nil {
		return err
	}
	if c.Check {
		found, err := server.Check(p.ctx, c.Server)
		for _, line := range found {
			if _, printing := fmt.Fprintln(p.stdout, line); printing != nil {
				return printing
			}
		}
		return err
	}
	return server.Serve(p.ctx, c.Server, server.ServeOptions{Version: buildVersion(), Stderr: p.stderr, Reload: reload})
}

// hangups yields each SIGHUP from now on. Without it a SIGHUP would end the process in the middle
// of its requests.
func hangups() (signals <-chan os.Signal, stop func()) {
	received := make(chan os.Signal, 1) // several at once are one
	signal.Notify(received, syscall.SIGHUP)
	return received, func() { signal.Stop(received) }
}
