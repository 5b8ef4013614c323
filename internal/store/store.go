package store

import (
	"context"
	"fmt"
)

// Store is everything that an engine stores.
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
	// Close closes the database. Calls after it fail.
	Close()
}

// Rows are the reads behind the caches.
type Rows interface {
	Clients
	Resources
	Issuers
	Users
	// ListClients is [ClientAdmin].ListClients.
	ListClients(ctx context.Context, page Page) ([]Client, error)
}

// Algorithms returns the algorithms for which the registrations need keys of the server.
type Algorithms interface {
	// SigningAlgs returns the algorithms that resources and clients are registered for, each
	// once and sorted.
	SigningAlgs(ctx context.Context) ([]string, error)
	// EncryptionAlgs returns the EncryptionAlg values of issuers that are not "", each
	// once and sorted.
	EncryptionAlgs(ctx context.Context) ([]string, error)
}

// Health checks whether the store works.
type Health interface {
	// CheckWritable returns nil if the store accepts writes: it writes 16 KiB, deletes them and
	// commits, and checks that every table exists. Call it at most about once a second. It gives up
	// with ErrUnavailable when ctx ends.
	CheckWritable(ctx context.Context) error
}

// Meter counts the queries of a store.
type Meter interface {
	// RoundTrips returns the number of queries since the store was opened. In PostgreSQL these are
	// statements, including BEGIN and COMMIT, and those of several callers that were sent together
	// count as one. In SQLite these are transactions, and statements outside of one.
	RoundTrips() int64
}

// Page bounds a listing: at most Limit rows (1 to 1000) whose identity sorts after After, and one
// of whose names contains Search, ignoring the case of ASCII letters. The zero After is the
// beginning, and the zero Search matches all.
type Page struct {
	After  string
	Search string
	Limit  int
}

// MaxPage bounds Page.Limit.
const MaxPage = 1000

// Check returns an error if the limit is out of bounds.
func (p Page) Check() error {
	if p.Limit < 1 || p.Limit > MaxPage {
		return fmt.Errorf("a page of %d rows: ask for 1 to %d", p.Limit, MaxPage)
	}
	return nil
}

// Housekeeper removes rows that no request needs any more. No request waits for it.
type Housekeeper interface {
	// Sweep removes at most limit rows of each noun that expired before the moment given and
	// returns how many it removed, 0 when nothing is left to do or when another replica is
	// sweeping. It removes: families past their end, idle for too long, revoked longer than
	// KeepRevoked ago or without their client, and codes that no client exchanged; sessions that
	// ended longer than KeepEnded ago; consents past Until or without their client; deliveries that
	// ended longer than KeepDelivered ago; revocations and used assertions past ExpiresAt, failed
	// attempts past ClearAt; signing keys that were removed, and not revoked, longer than
	// KeepRemoved ago and secret keys past RemovedAt, except the newest of an algorithm or purpose;
	// lifetimes from which no cached key set and no token remains.
	Sweep(ctx context.Context, before Moment, limit int) (removed int, err error)
}
