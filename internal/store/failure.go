package store

import (
	"context"
	"crypto/sha256"
	"time"
)

// FailureKey is the key of a counter of failed attempts to authenticate.
type FailureKey struct {
	// Account is a [LoginAccount] or [ClientAccount]; zero: all accounts.
	Account [sha256.Size]byte
	Origin  string // the origin of the attempts: 1 to 128 bytes
}

// LoginAccount names a person by the normalised username. It is a hash, because the text may be a
// password in the wrong field.
func LoginAccount(username string) [sha256.Size]byte {
	return accountHash("user ", username)
}

// ClientAccount names a client.
func ClientAccount(clientID string) [sha256.Size]byte {
	return accountHash("client ", clientID)
}

func accountHash(kind, name string) [sha256.Size]byte {
	text := make([]byte, 0, len("client ")+MaxNameLength) // on the stack
	return sha256.Sum256(append(append(text, kind...), name...))
}

// Failures is a counter that runs down by itself. Each failure moves ClearAt on by a fixed
// time, so that the distance between At and ClearAt says how many there were lately.
type Failures struct {
	FailureKey
	At      Moment // of the last one
	ClearAt Moment // when the counter is zero again
}

// Failure is an attempt that failed. It moves ClearAt on by Adds, from now at least, and to Max
// from now at most.
type Failure struct {
	FailureKey
	Adds, Max time.Duration
}

// FailedAttempts stores the counters. Any caller can add rows here, so each is small, there is one
// for each key, and it is swept when it has run down.
type FailedAttempts interface {
	// CountFailures adds a failure to each of the counters, in one round trip, and returns their
	// new values, in no order.
	CountFailures(ctx context.Context, now Moment, failed []Failure) ([]Failures, error)
	// Failures returns the counters of the keys that exist.
	Failures(ctx context.Context, keys []FailureKey) ([]Failures, error)
	// FailuresSince returns at most limit counters with a failure at a moment or later, the
	// newest first.
	FailuresSince(ctx context.Context, since Moment, limit int) ([]Failures, error)
	// ClearFailures resets the counter of a key.
	ClearFailures(ctx context.Context, key FailureKey) error
	// Unlock resets the counters of a user, and records an event.
	Unlock(ctx context.Context, userID, username string, by Change) error
}
