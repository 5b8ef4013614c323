package main

import (
	"fmt"

	"authserver/internal/config"
	"authserver/internal/server"
	"authserver/internal/store"
)

type migrateCommand struct {
	Up     migrateUp     `cmd:"" help:"Apply what is missing."`
	Down   migrateDown   `cmd:"" help:"Take back the newest migrations, and what is stored in what they made."`
	Status migrateStatus `cmd:"" help:"Show where the schema stands. Exit code 1 where this binary cannot serve it."`
	Force  migrateForce  `cmd:"" help:"Say where the schema stands, after you mended what a crash in mid-migration left behind."`
}

type migrateUp struct{ Database }

func (c *migrateUp) Run(p *process) error {
	s, err := c.complete(config.Command)
	if err != nil {
		return err
	}
	return onStore(p, s, func(st store.Store) error {
		if err := st.MigrateUp(p.ctx); err != nil {
			return err
		}
		return tellVersion(p, st)
	})
}

// withStore runs do on a database that is there, whatever its schema.
func (d Database) withStore(p *process, do func(st store.Store) error) error {
	s, err := d.complete(config.Command)
	if err != nil {
		return err
	}
	if err := server.FindDatabase(s); err != nil {
		return err
	}
	return onStore(p, s, do)
}

func onStore(p *process, s config.Settings, do func(st store.Store) error) error {
	st, err := server.OpenStore(p.ctx, s)
	if err != nil {
		return err
	}
	defer st.Close()
	return do(st)
}

type migrateDown struct {
	Database
	Steps int  `default:"1" help:"How many."`
	Yes   bool `help:"Yes, take them back."`
}

func (c *migrateDown) Run(p *process) error {
	if c.Steps < 1 {
		return usage("--steps is %d: it has to be 1 or more", c.Steps)
	}
	if !c.Yes {
		return usage("migrate down takes back %d of the migrations, and what is stored in what they made is lost: say --yes if you mean it", c.Steps)
	}
	return c.withStore(p, func(st store.Store) error {
		if err := st.MigrateDown(p.ctx, c.Steps); err != nil {
			return err
		}
		return tellVersion(p, st)
	})
}

type migrateStatus struct {
	Database
	Output
}

func (c *migrateStatus) Run(p *process) error {
	return c.withStore(p, func(st store.Store) error {
		status, err := st.MigrationStatus(p.ctx)
		if err != nil {
			return err
		}
		if err := c.show(p.stdout, status); err != nil {
			return err
		}
		return status.Check()
	})
}

type migrateForce struct {
	Database
	Version uint `arg:"" help:"Version that the schema is at; 0 for an empty database."`
}

func (c *migrateForce) Run(p *process) error {
	return c.withStore(p, func(st store.Store) error {
		if err := st.MigrationForce(p.ctx, c.Version); err != nil {
			return err
		}
		return tellVersion(p, st)
	})
}

func tellVersion(p *process, st store.Store) error {
	status, err := st.MigrationStatus(p.ctx)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(p.stderr, "the schema is at version %d of %d\n", status.Version, status.Latest)
	return err
}
