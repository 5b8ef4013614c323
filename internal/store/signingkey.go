package store

import (
	"context"
	"encoding/json"
	"time"
)

// SigningKey is a key pair that signs access tokens, with the moments of its
// life. Its state follows from them and the clock.
type SigningKey struct {
	KID       string          // RFC 7638 thumbprint
	Alg       string          // "RS256" or "ES256"
	PublicJWK json.RawMessage // with kid, alg and use
	Sealed    []byte          // PKCS#8 private key, sealed for SealedAs("signing_keys", KID)
	// Predecessor is the kid of the key that this one takes over from; "" for the
	// first of its algorithm. It is unique per algorithm, so that of several
	// replicas that plan the same succession exactly one succeeds.
	Predecessor string
	PublishedAt Moment // in the JWKS from then on
	ActiveAt    Moment // signs from then on
	RetiredAt   Moment // signs no longer; zero until a successor is planned
	RemovedAt   Moment // not in the JWKS any longer; zero until a successor is planned
	LastUsedAt  Moment // to the minute, for people
	RevokedAt   Moment // in an emergency; zero otherwise
	Reason      string // why it was revoked
}

// KeyRevocation takes a signing key out of use at once.
type KeyRevocation struct {
	KID    string
	At     Moment // when it was revoked: it is retired and removed from then on
	Reason string // why, for people
	// From is when its successor signs from, where that is sooner than planned: At less
	// the clock skew, so that a replica whose clock is behind has a key to sign with.
	From Moment
	// Next is added as its successor where it signs and has none yet; else it is
	// passed over.
	Next *SigningKey
	// Lag is how long a key stays published after it was retired. Where the revoked key
	// was waiting to take over, its predecessor signs on until the one after it does.
	Lag time.Duration
}

// SigningKeys keeps signing keys. Every change but RecordKeyUse tells the
// watchers of TopicKeys.
type SigningKeys interface {
	// SigningKeys returns all keys that are not past RemovedAt at the moment given,
	// oldest ActiveAt first.
	SigningKeys(ctx context.Context, now Moment) ([]SigningKey, error)
	// SucceedSigningKey adds next and, where it names a predecessor, sets that one's
	// RetiredAt to next.ActiveAt and its RemovedAt to predecessorRemovedAt, in one
	// transaction. ErrExists where the predecessor has a successor already (or,
	// for the first of an algorithm, where there is one): read the keys again.
	// ErrNotFound where the predecessor is gone or revoked.
	SucceedSigningKey(ctx context.Context, next SigningKey, predecessorRemovedAt Moment) error
	// RescheduleSigningKey moves the moment at which kid, which is not active yet,
	// takes over, and its predecessor's RetiredAt and RemovedAt with it.
	// ErrConflict where its ActiveAt is not the one given any more or it is revoked,
	// ErrNotFound where it is gone.
	RescheduleSigningKey(ctx context.Context, kid string, from, to, predecessorRemovedAt Moment) error
	// RevokeSigningKey takes a key out of use, in one transaction with what keeps its
	// algorithm signing. It is ErrNotFound where the key is gone or revoked already,
	// and ErrConflict where it signs, has no successor and no Next is given.
	RevokeSigningKey(ctx context.Context, r KeyRevocation) error
	// RecordKeyUse sets LastUsedAt of each kid, where that is later.
	RecordKeyUse(ctx context.Context, lastUsed map[string]Moment) error
}
