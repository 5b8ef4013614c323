package main

import (
	"strings"

	"authserver/internal/admin"
)

type tokenCommand struct {
	Inspect tokenInspect `cmd:"" help:"Decode a token, verify it, and say in words why it is good or bad. Exit code 0 when it is good, 1 when not."`
}

type tokenInspect struct {
	Database
	Output
	Explain bool   `help:"Of an assertion that is refused, make every check and say what to change."`
	Token   string `arg:"" help:"An access token, a refresh token or an assertion; - reads it from standard input."`
}

func (c *tokenInspect) Run(p *process) error {
	token := c.Token
	if token == "-" {
		data, err := p.read("TOKEN", "-")
		if err != nil {
			return err
		}
		token = string(data)
	}
	return c.with(p, func(a *admin.Admin) error {
		inspection, err := a.Inspect(p.ctx, strings.TrimSpace(token), c.Explain)
		if err != nil {
			return err
		}
		if err := c.show(p.stdout, inspection); err != nil {
			return err
		}
		if !inspection.Good {
			return errQuiet
		}
		return nil
	})
}
