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
	Revocations
	Assertions
	AssertionAdmin
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
}

// Algorithms says which keys of the server the registrations want.
type Algorithms interface {
	// SigningAlgs returns the algorithms that resources are registered for, each once
	// and sorted.
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

// Housekeeper removes what nobody can ask for any more. No request waits for it.
type Housekeeper interface {
	// Sweep removes at most limit rows of each noun that expired before the
	// moment given and returns how many it removed, 0 when nothing is left to do
	// or when another replica is sweeping. What goes: families past their end, idle
	// for too long, revoked longer than KeepRevoked ago or without their client;
	// revocations and used assertions past ExpiresAt; signing keys that were removed, and
	// not revoked, longer than KeepRemoved ago and secret keys past RemovedAt, but for the newest of an
	// algorithm or purpose; lifetimes by which no key set is cached and no token lives
	// any more.
	Sweep(ctx context.Context, before Moment, limit int) (removed int, err error)
}

// Sessions keeps the sessions of browsers.
type Sessions interface {
	// CreateSession adds a session, its IdleExpiresAt cut to its ExpiresAt. ErrNotFound where
	// the user is gone, ErrExists where the ID or the secret is taken.
	CreateSession(ctx context.Context, s Session, by Change) error
	// SessionBySecret returns a session, and its user without PasswordHash, in one read, or
	// ErrNotFound. One that ended or expired is returned too: see Session.Void.
	SessionBySecret(ctx context.Context, secret [32]byte) (Session, User, error)
	// RenewSession replaces everything of a session but its ID, user and CreatedAt, and most of
	// all its secret: each sign-in within a session gives the browser a new one. ErrNotFound
	// where no session has the old secret, ErrConflict where that session ended, or is
	// not the one that s.ID and s.UserID name.
	RenewSession(ctx context.Context, old [32]byte, s Session, by Change) error
	// SeeSessions moves SeenAt and IdleExpiresAt of sessions that live. Neither moves back, and
	// IdleExpiresAt never beyond ExpiresAt. It is done in batches, by the minute, and
	// never on the way of a request.
	SeeSessions(ctx context.Context, seen []SessionSeen) error
	// EndSession ends a session, and in the same transaction each of its families that is not
	// Offline. by.Voids is what is void of each such family: the engine fills in
	// its Value, and takes its Reason for the session and for the families. Families of a session that is not kept any
	// more end all the same. ErrNotFound where there is neither. To end what ended
	// before is no error, and no event.
	EndSession(ctx context.Context, id SessionID, by Change) error
}

// SessionAdmin shows sessions.
type SessionAdmin interface {
	// Session returns a session, or ErrNotFound.
	Session(ctx context.Context, id SessionID) (Session, error)
	// ListSessions returns sessions in the order of their IDs.
	ListSessions(ctx context.Context, p SessionPage) ([]Session, error)
}

// Consents keeps consents.
type Consents interface {
	// Consent returns what a user let a client ask for, or ErrNotFound. A client that was
	// deleted and made anew has no consents of the one before.
	Consent(ctx context.Context, userID, clientID string) (Consent, error)
	// SetConsent adds a consent, or replaces the one of that user and client. ErrNotFound
	// where the user or the client is gone.
	SetConsent(ctx context.Context, c Consent, by Change) error
	// ListConsents returns consents of a user in the order of their clients.
	ListConsents(ctx context.Context, p ConsentPage) ([]Consent, error)
	// RevokeConsent removes a consent, and ends in the same transaction every family that the
	// user has at the client, those that are Offline too. by.Voids is that of EndSession.
	// Families without a consent end all the same. ErrNotFound where there is neither.
	RevokeConsent(ctx context.Context, userID, clientID string, by Change) error
}

// Redemptions exchanges codes.
type Redemptions interface {
	// Redeem decides and moves in one atomic step, in the order of the outcomes.
	// CodeReplayed, and once for each family and client WrongClient, WrongRedirectURI, WrongVerifier and
	// WrongKey, are events. Of any number of redemptions at once exactly one is Redeemed. The
	// first of the others is CodeReplayed, which makes void what the one was given too,
	// and the rest are Revoked. [Families].PutBack undoes it: see Redemption.Rotation.
	Redeem(ctx context.Context, r Redemption) (RotationResult, error)
}
