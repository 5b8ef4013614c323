package store

import (
	"context"
	"fmt"
)

// Migrator migrates the schema up and down.
type Migrator interface {
	// MigrateUp applies the missing migrations, under a lock that replicas starting together wait
	// for (until ctx ends). For a schema that is newer than this binary, or that a crash left half
	// changed, it returns a [SchemaError].
	MigrateUp(ctx context.Context) error
	// MigrateDown undoes the newest steps migrations.
	MigrateDown(ctx context.Context, steps int) error
	// MigrationForce records that the schema is at this version, after an operator has repaired a
	// migration that crashed.
	MigrationForce(ctx context.Context, version uint) error
	// MigrationStatus returns the state of the schema. Its Check is nil if this binary can serve
	// it.
	MigrationStatus(ctx context.Context) (MigrationStatus, error)
}

// MigrationStatus is the state of a schema. Version 0 is the empty database.
type MigrationStatus struct {
	Version uint `json:"version"` // of the database
	Latest  uint `json:"latest"`  // that this binary knows
	Dirty   bool `json:"dirty"`   // a migration began and did not end
}

// Check returns nil if this binary can serve the schema, and otherwise a [SchemaError].
func (s MigrationStatus) Check() error {
	if !s.Dirty && s.Version == s.Latest {
		return nil
	}
	return &SchemaError{s}
}

// SchemaError reports a schema that this binary cannot serve. The interface says what to do.
type SchemaError struct{ MigrationStatus }

func (e *SchemaError) Error() string {
	switch {
	case e.Dirty:
		return fmt.Sprintf("the database is dirty at schema version %d: a migration broke off in the middle", e.Version)
	case e.Version > e.Latest:
		return fmt.Sprintf("the database is at schema version %d, newer than this binary, which knows %d", e.Version, e.Latest)
	}
	return fmt.Sprintf("the database is at schema version %d and this binary needs %d", e.Version, e.Latest)
}
