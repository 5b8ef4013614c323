package store

import (
	"context"
	"fmt"
)

// Migrator brings the schema up and down.
type Migrator interface {
	// MigrateUp applies what is missing, under a lock that replicas starting
	// together wait for (until ctx ends). A schema newer than this binary, or one
	// that a crash left half changed, is an error that says what to do.
	MigrateUp(ctx context.Context) error
	// MigrateDown takes back the newest steps migrations.
	MigrateDown(ctx context.Context, steps int) error
	// MigrationForce says that the schema is at this version now, after a person
	// has mended what a crash in mid-migration left behind.
	MigrationForce(ctx context.Context, version uint) error
	// MigrationStatus tells where the schema stands. CheckSchema of it is nil where
	// this binary can serve.
	MigrationStatus(ctx context.Context) (MigrationStatus, error)
}

// MigrationStatus is where a schema stands. Version 0 is the empty database.
type MigrationStatus struct {
	Version uint `json:"version"` // of the database
	Latest  uint `json:"latest"`  // that this binary knows
	Dirty   bool `json:"dirty"`   // a migration began and did not end
}

// Check returns nil where this binary can serve the schema, and else an error
// that says what to do.
func (s MigrationStatus) Check() error {
	switch {
	case s.Dirty:
		return fmt.Errorf("the database is dirty at schema version %d: a migration broke off in the middle; docs/migrations.md says how to mend the schema and then say so with authserver migrate force", s.Version)
	case s.Version > s.Latest:
		return fmt.Errorf("the database is at schema version %d, newer than this binary, which knows %d: run the newer authserver, or take the schema back with its migrate down", s.Version, s.Latest)
	case s.Version < s.Latest:
		return fmt.Errorf("the database is at schema version %d and this binary needs %d: run authserver migrate up, or serve without --no-migrate", s.Version, s.Latest)
	}
	return nil
}
