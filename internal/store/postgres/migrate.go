package postgres

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"

	"github.com/golang-migrate/migrate/v4/database"
	migrate "github.com/golang-migrate/migrate/v4/database/pgx/v5"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"authserver/internal/store"
	"authserver/migrations"
)

// migrateLock names the advisory lock of whoever migrates.
const migrateLock = 0x61757468_6d696772 // "authmigr"

// MigrateUp applies what is missing.
func (d *DB) MigrateUp(ctx context.Context) error {
	return d.migrate(ctx, "migrate up", func(driver database.Driver, at store.MigrationStatus, _ []uint) error {
		if at.Dirty || at.Version > at.Latest {
			return errors.Join(at.Check(), driver.Close())
		}
		return migrations.Up(ctx, d.steps, "pgx5", driver)
	})
}

// MigrateDown takes back the newest steps migrations, or all where there are
// fewer.
func (d *DB) MigrateDown(ctx context.Context, steps int) error {
	return d.migrate(ctx, "migrate down", func(driver database.Driver, at store.MigrationStatus, versions []uint) error {
		if at.Dirty || at.Version > at.Latest {
			return errors.Join(at.Check(), driver.Close())
		}
		if steps < 1 {
			return errors.Join(fmt.Errorf("%d steps: name at least 1", steps), driver.Close())
		}
		return migrations.Down(ctx, d.steps, "pgx5", driver, min(steps, slices.Index(versions, at.Version)+1))
	})
}

// MigrationForce records the version without a step.
func (d *DB) MigrationForce(ctx context.Context, version uint) error {
	return d.migrate(ctx, "force the schema version", func(driver database.Driver, _ store.MigrationStatus, versions []uint) error {
		if version != 0 && !slices.Contains(versions, version) {
			return errors.Join(fmt.Errorf("this binary has no migration %d", version), driver.Close())
		}
		return migrations.Force(ctx, d.steps, "pgx5", driver, version)
	})
}

// migrate runs one of the above with the migration lock held. The lock belongs to
// a transaction, which PgBouncer keeps on one server, and is waited for until ctx
// ends; that transaction does nothing else.
func (d *DB) migrate(ctx context.Context, doing string, run func(database.Driver, store.MigrationStatus, []uint) error) error {
	locker, err := pgx.ConnectConfig(ctx, d.session.Copy())
	if err != nil {
		return fault(doing, err)
	}
	defer func() { _ = locker.Close(context.WithoutCancel(ctx)) }()
	err = pgx.BeginFunc(ctx, locker, func(tx pgx.Tx) error {
		// A migration may take longer than the server lets a transaction be idle.
		if _, err := tx.Exec(ctx, "SET LOCAL idle_in_transaction_session_timeout = 0"); err != nil {
			return err
		}
		if _, err := tx.Exec(ctx, "SELECT pg_advisory_xact_lock($1)", int64(migrateLock)); err != nil {
			return err
		}
		at, err := d.MigrationStatus(ctx)
		if err != nil {
			return err
		}
		versions, err := migrations.Versions(d.steps)
		if err != nil {
			return err
		}
		// The driver closes the handle that it is given, so it is not given the pool.
		db := sql.OpenDB(newMigrationConnector(ctx, d.session))
		driver, err := migrate.WithInstance(db, &migrate.Config{})
		if err != nil {
			return errors.Join(err, db.Close())
		}
		return run(driver, at, versions)
	})
	return fault(doing, err)
}

// MigrationStatus tells where the schema stands.
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
	var version int64
	err = d.do(ctx, doing, func(ctx context.Context) error {
		return d.pool.QueryRow(ctx, "SELECT version, dirty FROM schema_migrations LIMIT 1").Scan(&version, &at.Dirty)
	})
	var e *pgconn.PgError
	switch {
	case errors.Is(err, pgx.ErrNoRows), errors.As(err, &e) && e.Code == "42P01": // undefined_table
		return at, nil
	case err != nil:
		return at, err
	}
	at.Version = uint(max(version, 0)) // -1, dirty: taking back the first one broke off
	return at, nil
}
