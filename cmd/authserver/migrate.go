package main

import (
	"fmt"

	"authserver/internal/config"
	"authserver/internal/server"
)

type migrateCommand struct {
	Up     migrateUp     `cmd:"" help:"Apply the missing migrations." example:"authserver migrate up"`
	Down   migrateDown   `cmd:"" help:"Undo the newest migrations. You lose the data that only the newer schema can hold." example:"authserver migrate down --steps 1"`
	Status migrateStatus `cmd:"" help:"Show the schema version. The exit code is 1 if this binary cannot serve it." example:"authserver migrate status"`
	Force  migrateForce  `cmd:"" help:"Record the schema version after you repaired a migration that crashed." example:"authserver migrate force 3"`
}

type migrateUp struct{ Database }

func (c *migrateUp) Run(p *process) error {
	if err := complete(&c.Database, config.Command); err != nil {
		return err
	}
	status, err := server.MigrateUp(p.ctx, c.Database.Database)
	if err != nil {
		return err
	}
	p.tellSchema(status.Version, status.Latest)
	return nil
}

type migrateDown struct {
	Database
	Consent
	Steps int `default:"1" help:"Number of migrations to undo."`
}

func (c *migrateDown) Run(p *process) error {
	if c.Steps < 1 {
		return usage("--steps is %d: it has to be 1 or more", c.Steps)
	}
	if err := c.ask(p, fmt.Sprintf("This undoes the newest migrations: %d. The data that only the newer schema can hold is lost.", c.Steps)); err != nil {
		return err
	}
	if err := complete(&c.Database, config.Command); err != nil {
		return err
	}
	status, err := server.MigrateDown(p.ctx, c.Database.Database, c.Steps)
	if err != nil {
		return err
	}
	p.tellSchema(status.Version, status.Latest)
	return nil
}

type migrateStatus struct {
	Database
	Output
}

func (c *migrateStatus) Run(p *process) error {
	if err := complete(&c.Database, config.Command); err != nil {
		return err
	}
	status, err := server.MigrationStatus(p.ctx, c.Database.Database)
	if err != nil {
		return err
	}
	if err := c.show(p.stdout, status); err != nil {
		return err
	}
	return status.Check()
}

type migrateForce struct {
	Database
	Version uint `arg:"" help:"Version of the schema; 0 for an empty database."`
}

func (c *migrateForce) Run(p *process) error {
	if err := complete(&c.Database, config.Command); err != nil {
		return err
	}
	status, err := server.MigrateForce(p.ctx, c.Database.Database, c.Version)
	if err != nil {
		return err
	}
	p.tellSchema(status.Version, status.Latest)
	return nil
}

func (p *process) tellSchema(version, latest uint) {
	p.report("the schema is at version %d of %d", version, latest)
}
