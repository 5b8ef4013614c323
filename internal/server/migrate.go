package server

import (
	"context"
	"fmt"
	"log/slog"

	"authserver/internal/config"
	"authserver/internal/store"
)

// MigrateUp applies the missing migrations, and creates the database if there is none. Like the
// functions below it returns the new state of the schema.
func MigrateUp(ctx context.Context, s config.Database) (store.MigrationStatus, error) {
	return migrate(ctx, s, func(st store.Migrator) error { return st.MigrateUp(ctx) })
}

// MigrateDown undoes the newest steps migrations.
func MigrateDown(ctx context.Context, s config.Database, steps int) (store.MigrationStatus, error) {
	if err := FindDatabase(s); err != nil {
		return store.MigrationStatus{}, err
	}
	return migrate(ctx, s, func(st store.Migrator) error { return st.MigrateDown(ctx, steps) })
}

// MigrateForce records that the schema is at this version.
func MigrateForce(ctx context.Context, s config.Database, version uint) (store.MigrationStatus, error) {
	if err := FindDatabase(s); err != nil {
		return store.MigrationStatus{}, err
	}
	return migrate(ctx, s, func(st store.Migrator) error { return st.MigrationForce(ctx, version) })
}

// MigrationStatus changes nothing.
func MigrationStatus(ctx context.Context, s config.Database) (store.MigrationStatus, error) {
	if err := FindDatabase(s); err != nil {
		return store.MigrationStatus{}, err
	}
	return migrate(ctx, s, func(store.Migrator) error { return nil })
}

func migrate(ctx context.Context, s config.Database, step func(st store.Migrator) error) (store.MigrationStatus, error) {
	st, err := OpenStore(ctx, s, slog.New(slog.DiscardHandler))
	if err != nil {
		return store.MigrationStatus{}, err
	}
	defer st.Close()
	if err := step(st); err != nil {
		return store.MigrationStatus{}, err
	}
	status, err := st.MigrationStatus(ctx)
	if err != nil {
		return store.MigrationStatus{}, fmt.Errorf("read the schema version: %w", err)
	}
	return status, nil
}
