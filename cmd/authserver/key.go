package main

import (
	"crypto/rand"
	"fmt"

	"authserver/internal/admin"
)

type keyCommand struct {
	List           keyList           `cmd:"" help:"List the signing keys."`
	Rotate         keyRotate         `cmd:"" help:"Bring the next key to sign as soon as every verifier can know it. Running servers follow."`
	Revoke         keyRevoke         `cmd:"" help:"In an emergency: take a key out of use at once. Tokens that it signed are void."`
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

type keyRevoke struct {
	Database
	Output
	KID    string `arg:"" name:"kid" help:"The key, as key list shows it; after -- where it begins with a hyphen."`
	Reason string `required:"" help:"Why, for the log."`
	Yes    bool   `help:"Do not ask."`
}

func (c *keyRevoke) Run(p *process) error {
	if !c.Yes {
		if err := p.confirm("Every token that key " + c.KID + " signed is void at once, and verifiers that cache the key set take them until it expires."); err != nil {
			return err
		}
	}
	return c.with(p, func(a *admin.Admin) error {
		revoked, err := a.RevokeKey(p.ctx, c.KID, c.Reason)
		if err != nil {
			return err
		}
		return c.show(p.stdout, revoked)
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
