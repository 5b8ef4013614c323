package store

import (
	"context"
	"crypto/sha256"
	"time"
)

// FailureKey is what failed attempts to prove an identity are counted by.
type FailureKey struct {
	// Account is of [LoginAccount] or [ClientAccount]; zero: of whatever account.
	Account [sha256.Size]byte
	Origin  string // where they came from: 1 to 128 bytes
}

// LoginAccount names a person by the username, as NormalizeName leaves it. It is a hash,
// since what a stranger typed may be a password in the wrong field.
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
	ClearAt Moment // when all of them are forgotten
}

// Failure is an attempt that failed. It moves ClearAt on by Adds, from now at least, and no
// further than Most from now.
type Failure struct {
	FailureKey
	Adds, Max time.Duration
}

// FailedAttempts keeps the counters. Strangers make rows here: each is small, there is one for
// each key, and it is swept when it has run down.
type FailedAttempts interface {
	// CountFailures adds a failure to each of the counters, in one round trip, and returns
	// what they are then, in no order.
	CountFailures(ctx context.Context, now Moment, failed []Failure) ([]Failures, error)
	// Failures returns the counters of the keys, as far as they are there.
	Failures(ctx context.Context, keys []FailureKey) ([]Failures, error)
	// FailuresSince returns at most limit counters with a failure at a moment or later, the
	// newest first.
	FailuresSince(ctx context.Context, since Moment, limit int) ([]Failures, error)
	// ClearFailures forgets what was counted by a key.
	ClearFailures(ctx context.Context, key FailureKey) error
	// Unlock forgets what was counted of a user, and records that.
	Unlock(ctx context.Context, userID, username string, by Change) error
}
