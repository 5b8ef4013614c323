package migrations

import (
	"context"
	"embed"
	"errors"
	"fmt"
	"io/fs"

	"github.com/golang-migrate/migrate/v4"
	"github.com/golang-migrate/migrate/v4/database"
	"github.com/golang-migrate/migrate/v4/source"
	"github.com/golang-migrate/migrate/v4/source/iofs"
)

//go:embed postgres/*.sql sqlite/*.sql
var files embed.FS

// Postgres returns the steps for PostgreSQL.
func Postgres() (fs.FS, error) { return fs.Sub(files, "postgres") }

// SQLite returns the steps for SQLite.
func SQLite() (fs.FS, error) { return fs.Sub(files, "sqlite") }

// Versions returns the numbers of the steps, lowest first.
func Versions(steps fs.FS) ([]uint, error) {
	src, err := iofs.New(steps, ".")
	if err != nil {
		return nil, fmt.Errorf("read the migrations: %w", err)
	}
	var versions []uint
	version, err := src.First()
	for err == nil {
		versions = append(versions, version)
		version, err = src.Next(version)
	}
	if !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("read the migrations: %w", err)
	}
	return versions, nil
}

// Up applies the missing steps. It closes the driver, and with it the handle of the driver. If ctx
// ends, it stops between two steps.
func Up(ctx context.Context, steps fs.FS, engine string, driver database.Driver) error {
	return run(ctx, steps, engine, driver, func(m *migrate.Migrate) error {
		for ctx.Err() == nil {
			if err := m.Steps(1); err != nil {
				return unlessNone(err)
			}
		}
		return nil
	})
}

// Down takes back the newest n steps. It closes the driver. If ctx ends, it stops between two
// steps.
func Down(ctx context.Context, steps fs.FS, engine string, driver database.Driver, n int) error {
	return run(ctx, steps, engine, driver, func(m *migrate.Migrate) error {
		for range n {
			if err := m.Steps(-1); err != nil || ctx.Err() != nil {
				return unlessNone(err)
			}
		}
		return nil
	})
}

// unlessNone returns nil for the errors that report that no step was left. Steps are taken one by
// one, because golang-migrate reads ahead and does not release what it has read after a step that
// failed.
func unlessNone(err error) error {
	if errors.Is(err, migrate.ErrNoChange) || errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}

// Force records that the schema is clean at this version; 0 is the empty database. It closes the
// driver.
func Force(ctx context.Context, steps fs.FS, engine string, driver database.Driver, version uint) error {
	return run(ctx, steps, engine, driver, func(m *migrate.Migrate) error {
		if version == 0 {
			return m.Force(database.NilVersion)
		}
		return m.Force(int(version))
	})
}

func run(ctx context.Context, steps fs.FS, engine string, driver database.Driver, do func(*migrate.Migrate) error) error {
	var src source.Driver
	src, err := iofs.New(steps, ".")
	if err != nil {
		return errors.Join(fmt.Errorf("read the migrations: %w", err), driver.Close())
	}
	m, err := migrate.NewWithInstance("embedded", src, engine, driver)
	if err != nil {
		return errors.Join(err, driver.Close())
	}
	stop := context.AfterFunc(ctx, func() { m.GracefulStop <- true })
	err = do(m)
	if !stop() && err == nil { // golang-migrate does not report a graceful stop as an error
		err = context.Cause(ctx)
	}
	srcErr, driverErr := m.Close()
	return errors.Join(plain(err), srcErr, driverErr)
}

// plain returns the database's error from golang-migrate's error, which hides it from errors.As and
// has the whole text of the step.
func plain(err error) error {
	var e database.Error
	var p *database.Error
	switch {
	case errors.As(err, &p):
		e = *p
	case !errors.As(err, &e):
		return err
	}
	if e.OrigErr == nil {
		return err
	}
	if e.Line == 0 {
		return fmt.Errorf("a migration broke off: %w", e.OrigErr)
	}
	return fmt.Errorf("a migration broke off in line %d: %w", e.Line, e.OrigErr)
}
