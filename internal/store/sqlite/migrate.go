package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"

	"github.com/golang-migrate/migrate/v4/database"
	migrate "github.com/golang-migrate/migrate/v4/database/sqlite"

	"authserver/internal/store"
	"authserver/migrations"
)

// MigrateUp applies the missing migrations.
func (d *DB) MigrateUp(ctx context.Context) error {
	return d.migrate(ctx, "migrate up", func(driver database.Driver, at store.MigrationStatus, _ []uint) error {
		if at.Dirty || at.Version > at.Latest {
			return errors.Join(at.Check(), driver.Close())
		}
		return migrations.Up(ctx, d.steps, "sqlite", driver)
	})
}

// MigrateDown takes back the newest steps migrations, or all if there are fewer.
func (d *DB) MigrateDown(ctx context.Context, steps int) error {
	return d.migrate(ctx, "migrate down", func(driver database.Driver, at store.MigrationStatus, versions []uint) error {
		if at.Dirty || at.Version > at.Latest {
			return errors.Join(at.Check(), driver.Close())
		}
		if steps < 1 {
			return errors.Join(fmt.Errorf("%d steps: name at least 1", steps), driver.Close())
		}
		return migrations.Down(ctx, d.steps, "sqlite", driver, min(steps, slices.Index(versions, at.Version)+1))
	})
}

// MigrationForce records the version without a step.
func (d *DB) MigrationForce(ctx context.Context, version uint) error {
	return d.migrate(ctx, "force the schema version", func(driver database.Driver, _ store.MigrationStatus, versions []uint) error {
		if version != 0 && !slices.Contains(versions, version) {
			return errors.Join(fmt.Errorf("this binary has no migration %d", version), driver.Close())
		}
		return migrations.Force(ctx, d.steps, "sqlite", driver, version)
	})
}

// migrate runs one of the above with the migration lock held, because golang-migrate's own lock for
// SQLite holds only within one process.
func (d *DB) migrate(ctx context.Context, doing string, run func(database.Driver, store.MigrationStatus, []uint) error) error {
	unlock, err := lockFile(ctx, d.path+".lock")
	if err != nil {
		return fault(doing, err)
	}
	defer unlock()
	at, err := d.MigrationStatus(ctx)
	if err != nil {
		return fault(doing, err)
	}
	versions, err := migrations.Versions(d.steps)
	if err != nil {
		return fault(doing, err)
	}
	// The driver closes its handle, so it must not get the writer.
	db, err := d.openPool(writerDSN(d.path, d.busy), 1)
	if err != nil {
		return fault(doing, err)
	}
	driver, err := migrate.WithInstance(db.DB, &migrate.Config{})
	if err != nil {
		return fault(doing, errors.Join(err, db.Close()))
	}
	return fault(doing, run(driver, at, versions))
}

// MigrationStatus returns the state of the schema.
func (d *DB) MigrationStatus(ctx context.Context) (store.MigrationStatus, error) {
	const doing = "read the schema version"
	versions, err := migrations.Versions(d.steps)
	if err != nil {
		return store.MigrationStatus{}, fault(doing, err)
	}
	var at store.MigrationStatus
	if len(versions) > 0 {
		at.Latest = versions[len(versions)-1]
	}
	ctx, cancel := d.bound(ctx)
	defer cancel()
	if err := d.files.check(); err != nil {
		return at, fault(doing, err)
	}
	var there bool
	err = d.read.QueryRowContext(ctx, "SELECT EXISTS (SELECT 1 FROM sqlite_schema WHERE name = 'schema_migrations')").Scan(&there)
	if err != nil || !there {
		return at, fault(doing, err)
	}
	var version int64
	err = d.read.QueryRowContext(ctx, "SELECT version, dirty FROM schema_migrations LIMIT 1").Scan(&version, &at.Dirty)
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return at, fault(doing, err)
	}
	at.Version = uint(max(version, 0)) // -1, dirty: taking back the first step was interrupted
	return at, nil
}
