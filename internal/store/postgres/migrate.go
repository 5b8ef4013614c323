package postgres

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/golang-migrate/migrate/v4/database"
	migrate "github.com/golang-migrate/migrate/v4/database/pgx/v5"
	"github.com/jackc/pgx/v5"

	"authserver/internal/store"
	"authserver/migrations"
)

// migrateLock names the advisory lock of a migration.
const migrateLock = 0x61757468_6d696772 // "authmigr"

// MigrateUp applies the missing migrations.
func (d *DB) MigrateUp(ctx context.Context) error {
	return d.migrate(ctx, "migrate up", func(driver database.Driver, at store.MigrationStatus, _ []uint) error {
		if at.Dirty || at.Version > at.Latest {
			return errors.Join(at.Check(), driver.Close())
		}
		return migrations.Up(ctx, d.steps, "pgx5", driver)
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

// migratePoll is the interval at which a replica tries to take the migration lock of another.
const migratePoll = 50 * time.Millisecond

// migrate runs one of the above with the migration lock held. The lock belongs to a transaction
// that does nothing else, which PgBouncer keeps on one server. Other processes wait for it outside
// of a transaction, until ctx ends, so that they do not take the server connections that the
// migrating process needs.
func (d *DB) migrate(ctx context.Context, doing string, run func(database.Driver, store.MigrationStatus, []uint) error) error {
	locker, err := pgx.ConnectConfig(ctx, d.session.Copy())
	if err != nil {
		return fault(doing, err)
	}
	defer func() { _ = locker.Close(context.WithoutCancel(ctx)) }()
	for {
		var mine bool
		err := pgx.BeginFunc(ctx, locker, func(tx pgx.Tx) error {
			err := tx.QueryRow(ctx, "SELECT pg_try_advisory_xact_lock($1)", int64(migrateLock)).Scan(&mine)
			if err != nil || !mine {
				return err
			}
			return d.migrateLocked(ctx, tx, run)
		})
		if err == nil && !mine {
			err = pause(ctx, migratePoll+rand.N(migratePoll)) //nolint:gosec // jitter is no secret
		}
		if err != nil || mine {
			return fault(doing, err)
		}
	}
}

func (d *DB) migrateLocked(ctx context.Context, tx pgx.Tx, run func(database.Driver, store.MigrationStatus, []uint) error) error {
	// A migration may take longer than the server allows a transaction to be idle.
	if _, err := tx.Exec(ctx, "SET LOCAL idle_in_transaction_session_timeout = 0"); err != nil {
		return err
	}
	at, err := d.MigrationStatus(ctx) // not by tx: it would hold a lock on the table of versions
	if err != nil {
		return err
	}
	versions, err := migrations.Versions(d.steps)
	if err != nil {
		return err
	}
	// The driver closes its handle, so it must not get the pool.
	db := sql.OpenDB(newMigrationConnector(ctx, d.session))
	driver, err := migrate.WithInstance(db, &migrate.Config{})
	if err != nil {
		return errors.Join(err, db.Close())
	}
	return run(driver, at, versions)
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
	err = d.do(ctx, doing, func(ctx context.Context) error {
		var there bool // asked first, so that the server does not log an error
		err := d.pool.QueryRow(ctx, "SELECT to_regclass('schema_migrations') IS NOT NULL").Scan(&there)
		if err != nil || !there {
			return err
		}
		var version int64
		err = d.pool.QueryRow(ctx, "SELECT version, dirty FROM schema_migrations LIMIT 1").Scan(&version, &at.Dirty)
		if errors.Is(err, pgx.ErrNoRows) {
			return nil
		}
		at.Version = uint(max(version, 0)) // -1, dirty: taking back the first step was interrupted
		return err
	})
	return at, err
}
