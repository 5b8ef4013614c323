package store

import (
	"context"
	"fmt"
)

// Store is all that an engine keeps.
type Store interface {
	Clients
	ClientAdmin
	Users
	UserAdmin
	Names
	Resources
	ResourceAdmin
	Issuers
	IssuerAdmin
	Algorithms
	Families
	FamilyAdmin
	Redemptions
	Sessions
	SessionAdmin
	Consents
	Deliveries
	Revocations
	Assertions
	AssertionAdmin
	FailedAttempts
	SigningKeys
	LifetimePromises
	SecretKeys
	DataKeys
	SealedValues
	Events
	Watcher
	Health
	Meter
	Migrator
	Housekeeper
	// Close lets go of the database. Calls after it fail.
	Close()
}

// Rows is what is cached.
type Rows interface {
	Clients
	Resources
	Issuers
	Users
	// ListClients is that of [ClientAdmin].
	ListClients(ctx context.Context, page Page) ([]Client, error)
}

// Algorithms says which keys of the server the registrations want.
type Algorithms interface {
	// SigningAlgs returns the algorithms that resources and clients are registered for, each
	// once and sorted.
	SigningAlgs(ctx context.Context) ([]string, error)
	// EncryptionAlgs returns the EncryptionAlg values of issuers that are not "", each
	// once and sorted.
	EncryptionAlgs(ctx context.Context) ([]string, error)
}

// Health tells whether the store can do its work.
type Health interface {
	// CheckWritable returns nil where writes are taken: it writes 16 KiB, deletes them
	// again and commits, and sees to it that every table is there. Ask about once a
	// second at most. It gives up with ErrUnavailable when ctx ends.
	CheckWritable(ctx context.Context) error
}

// Meter tells what a store costs.
type Meter interface {
	// RoundTrips returns how often the database was asked since the store was opened:
	// in PostgreSQL the statements that were sent, BEGIN and COMMIT among them, and
	// those of several callers that were sent together as one, in SQLite the transactions and the statements outside of one.
	RoundTrips() int64
}

// Page bounds a listing: at most Limit rows (1 to 1000) whose identity sorts
// after After, and which have Search in one of their names, whatever the case of ASCII
// letters. The zero After begins at the beginning, and the zero Search leaves out none.
type Page struct {
	After  string
	Search string
	Limit  int
}

// MaxPage bounds Page.Limit.
const MaxPage = 1000

// Check returns an error where the limit is out of bounds.
func (p Page) Check() error {
	if p.Limit < 1 || p.Limit > MaxPage {
		return fmt.Errorf("a page of %d rows: ask for 1 to %d", p.Limit, MaxPage)
	}
	return nil
}

// Housekeeper removes what no request can need any more. No request waits for it.
type Housekeeper interface {
	// Sweep removes at most limit rows of each noun that expired before the
	// moment given and returns how many it removed, 0 when nothing is left to do
	// or when another replica is sweeping. What goes: families past their end, idle
	// for too long, revoked longer than KeepRevoked ago or without their client, and codes
	// that no client exchanged; sessions that ended longer than
	// KeepEnded ago; consents past Until or without their client; deliveries that ended longer than KeepDelivered ago; revocations and used assertions past ExpiresAt, failed attempts past ClearAt; signing keys that were removed, and
	// not revoked, longer than KeepRemoved ago and secret keys past RemovedAt, but for the newest of an
	// algorithm or purpose; lifetimes by which no key set is cached and no token lives
	// any more.
	Sweep(ctx context.Context, before Moment, limit int) (removed int, err error)
}
