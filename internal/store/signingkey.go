package store

import (
	"context"
	"encoding/json"
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
	// ErrNotFound where the predecessor is gone.
	SucceedSigningKey(ctx context.Context, next SigningKey, predecessorRemovedAt Moment) error
	// RescheduleSigningKey moves the moment at which kid, which is not active yet,
	// takes over, and its predecessor's RetiredAt and RemovedAt with it.
	// ErrConflict where its ActiveAt is not the one given any more, ErrNotFound
	// where it is gone.
	RescheduleSigningKey(ctx context.Context, kid string, from, to, predecessorRemovedAt Moment) error
	// RecordKeyUse sets LastUsedAt of each kid, where that is later.
	RecordKeyUse(ctx context.Context, lastUsed map[string]Moment) error
}
