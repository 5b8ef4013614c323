package store

import (
	"context"
	"encoding/json"
	"time"
)

// KeepRemoved is how long a signing key stays after it was removed, so that an operator can look it
// up.
const KeepRemoved = 24 * time.Hour

// SigningKey is a key pair that signs access tokens, with the moments of its
// life. Its state follows from them and the clock.
type SigningKey struct {
	KID       string          // RFC 7638 thumbprint
	Alg       string          // RFC 7518 §3.1, such as "RS256"
	PublicJWK json.RawMessage // with kid, alg and use
	// Sealed is the private key in PKCS #8, or the URI of a remote key, sealed for
	// SealedAs("signing_keys", KID).
	Sealed       []byte
	Certificates [][]byte // X.509 in DER, the key's own first; nil: none
	// Predecessor is the kid of the key that this one takes over from; "" for the
	// first of its algorithm. It is unique per algorithm among those that are not
	// [SigningKey.PassedOver].
	Predecessor string
	PublishedAt Moment // in the JWKS from then on
	ActiveAt    Moment // signs from then on
	RetiredAt   Moment // signs no longer; zero until a successor is planned
	RemovedAt   Moment // not in the JWKS any longer; zero until a successor is planned
	LastUsedAt  Moment // to the minute, for the operator
	RevokedAt   Moment // in an emergency; zero otherwise
	Reason      string // why it was revoked
}

// PassedOver reports whether the key was revoked before it signed, so that another key may follow
// its predecessor.
func (k SigningKey) PassedOver() bool { return !k.RevokedAt.IsZero() && k.RevokedAt.Before(k.ActiveAt) }

// SigningKeys stores signing keys. Every change but RecordKeyUse notifies the watchers of
// TopicKeys.
type SigningKeys interface {
	// KeyPlan returns the keys that are not past RemovedAt at a moment, and the lifetimes by which
	// they are planned.
	KeyPlan(ctx context.Context, now Moment) (KeyPlan, error)
	// ChangeKeyPlan carries out all of a change, or none. ErrConflict if the plan has another
	// version by now: read it again. ErrExists if an added key exists already, or two keys of an
	// algorithm would have one predecessor. ErrNotFound if an updated key was deleted. Each key has
	// an event of its own, whatever that of the change.
	ChangeKeyPlan(ctx context.Context, change KeyPlanChange, by Change) error
	// RecordKeyUse sets LastUsedAt of each kid, if that is later.
	RecordKeyUse(ctx context.Context, lastUsed map[string]Moment) error
}
