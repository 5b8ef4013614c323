package main

import (
	"strings"

	"authserver/internal/admin"
)

type tokenCommand struct {
	Inspect tokenInspect `cmd:"" help:"Decode a token, verify it, and say why it is good or bad. The exit code is 0 if it is good and 1 if not." example:"authserver token inspect - < token.txt"`
}

type tokenInspect struct {
	Database
	Output
	Explain bool   `help:"Make every check of an assertion and say what to change."`
	Token   string `arg:"" help:"An access token, a refresh token or an assertion; - is standard input."`
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
		inspection, err := a.Inspect(p.ctx, p.by, strings.TrimSpace(token), c.Explain)
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
