package store

import "context"

// Store is all that an engine keeps.
type Store interface {
	Clients
	ClientAdmin
	Users
	UserAdmin
	Resources
	ResourceAdmin
	Issuers
	IssuerAdmin
	Families
	Revocations
	Assertions
	SigningKeys
	SecretKeys
	DataKeys
	Watcher
	Health
	Migrator
	Housekeeper
	// Close lets go of the database. Calls after it fail.
	Close()
}

// Health tells whether the store can do its work.
type Health interface {
	// CheckWritable returns nil where a write would be taken now. It changes
	// nothing, and gives up with ErrUnavailable when ctx ends.
	CheckWritable(ctx context.Context) error
}

// Page bounds a listing: at most Limit rows (1 to 1000) whose identity sorts
// after After. The zero After begins at the beginning.
type Page struct {
	After string
	Limit int
}

// Housekeeper removes what nobody can ask for any more. No request waits for it.
type Housekeeper interface {
	// Sweep removes at most limit rows of each noun that expired before the
	// moment given and returns how many it removed, 0 when nothing is left to do
	// or when another replica is sweeping.
	Sweep(ctx context.Context, before Moment, limit int) (removed int, err error)
}
