package main

import (
	"time"

	"authserver/internal/admin"
)

type keyReseal struct {
	SealedKeySettings
	Output
	ToMasterKeyFile string `placeholder:"FILE" help:"File with the new master key."`
	ToMasterKeyURL  string `name:"to-master-key-url" placeholder:"URL" help:"Key of a key management service as the new master key, as in --master-key-url."`
	Finish          bool   `help:"Remove the data keys of the old master key, after every server was restarted with the new one."`
}

func (c *keyReseal) Run(p *process) error {
	given := 0
	for _, way := range []bool{c.ToMasterKeyFile != "", c.ToMasterKeyURL != "", c.Finish} {
		if way {
			given++
		}
	}
	if given != 1 {
		return usage("give one of --to-master-key-file, --to-master-key-url and --finish")
	}
	to := admin.MasterKey{URL: c.ToMasterKeyURL}
	if c.ToMasterKeyFile != "" {
		var err error
		if to.Key, err = p.secret("--to-master-key-file", c.ToMasterKeyFile); err != nil {
			return err
		}
	}
	return with(p, &c.SealedKeySettings, func(a *admin.Admin) error {
		if c.Finish {
			finished, err := a.MasterKeys.Finish(p.ctx, p.by)
			if err != nil {
				return err
			}
			return c.done(p, finished)
		}
		resealed, err := a.MasterKeys.Reseal(p.ctx, p.by, to, func(wait time.Duration) {
			p.report("waiting %s for the servers to load the new data key", span(wait))
		})
		if err != nil {
			return err
		}
		p.report("Restart every server with master key %s, then run authserver key reseal --finish with it. Until then both work.", resealed.To)
		return c.done(p, resealed)
	})
}

type keyRefreshTokenKeys struct {
	SealedKeySettings
	Output
	Rotate bool `help:"Use the next key as soon as every server has it. Existing refresh tokens stay valid."`
}

func (c *keyRefreshTokenKeys) Run(p *process) error {
	return with(p, &c.SealedKeySettings, func(a *admin.Admin) error {
		listed, err := a.Keys.RefreshTokenKeys(p.ctx, p.by, c.Rotate)
		if err != nil {
			return err
		}
		err = printList(c.Output, p.stdout, listed, "id", "state", "created_at", "active_at", "retired_at", "removed_at")
		if c.Rotate {
			return afterwards(err)
		}
		return err
	})
}
