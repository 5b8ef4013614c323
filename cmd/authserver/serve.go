package main

import (
	"authserver/internal/config"
	"authserver/internal/server"
)

type serveCommand struct {
	Database
}

func (c *serveCommand) Run(p *process) error {
	s, err := c.complete(config.Serve)
	if err != nil {
		return err
	}
	return server.Serve(p.ctx, s, server.ServeOptions{Version: buildVersion(), Stderr: p.stderr})
}
