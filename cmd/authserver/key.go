package main

import (
	"crypto/rand"
	"fmt"

	"authserver/internal/admin"
)

type keyCommand struct {
	List           keyList           `cmd:"" help:"List the signing keys."`
	Rotate         keyRotate         `cmd:"" help:"Bring the next key to sign as soon as every verifier can know it. Running servers follow."`
	Plan           keyPlan           `cmd:"" help:"Show what is to come of the signing keys."`
	GenerateMaster keyGenerateMaster `cmd:"" help:"Print a new master key. Keep it: what is sealed under it opens with nothing else."`
}

type keyList struct {
	Database
	Output
}

func (c *keyList) Run(p *process) error {
	return c.with(p, func(a *admin.Admin) error {
		listed, err := a.ListKeys(p.ctx)
		if err != nil {
			return err
		}
		return printList(c.Output, p.stdout, listed, "kid", "alg", "state", "published_at", "active_at", "retired_at", "removed_at", "last_used_at")
	})
}

type keyRotate struct {
	Database
	Output
	Alg []string `sep:"none" help:"Algorithm whose key to rotate; without it all. Repeats."`
}

func (c *keyRotate) Run(p *process) error {
	return c.with(p, func(a *admin.Admin) error {
		events, err := a.RotateKeys(p.ctx, list(c.Alg))
		if err != nil {
			return err
		}
		return printList(c.Output, p.stdout, events, "at", "kid", "alg", "event")
	})
}

type keyPlan struct {
	Database
	Output
}

func (c *keyPlan) Run(p *process) error {
	return c.with(p, func(a *admin.Admin) error {
		events, err := a.PlannedKeys(p.ctx)
		if err != nil {
			return err
		}
		return printList(c.Output, p.stdout, events, "at", "kid", "alg", "event")
	})
}

type keyGenerateMaster struct{}

func (*keyGenerateMaster) Run(p *process) error {
	key, err := admin.NewMasterKey(rand.Reader)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintln(p.stdout, key)
	return err
}
