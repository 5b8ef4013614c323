package store

import (
	"context"
	"time"
)

// KeyPlan is the input of the timeline of the signing keys, as it was read.
type KeyPlan struct {
	// Version moves on with each change of a key's moments, and when lifetimes come into force. Of
	// several replicas that plan by the same version, one succeeds.
	Version   int64
	Keys      []SigningKey // oldest ActiveAt first
	Lifetimes []Lifetimes
}

// KeyPlanChange is a change of the signing keys that was planned on a version.
type KeyPlanChange struct {
	Version int64        // of the plan on which it was planned
	Update  []SigningKey // first, in this order; Alg, PublicJWK, Sealed and LastUsedAt stay
	Add     []SigningKey // then
	Brought string       // the KID of the key in Add that an administrator imported; "": none
}

// Lifetimes are the settings by which a server has promised to serve: what it publishes for
// verifiers and puts into tokens.
type Lifetimes struct {
	Server           string        // names one run of a server
	RotationInterval time.Duration // how long a key signs
	JWKSMaxAge       time.Duration // how long a verifier may keep the JWKS
	PollInterval     time.Duration // the longest that a replica takes to see a change
	ClockSkew        time.Duration // the most by which two clocks differ
	MaxTokenTTL      time.Duration // the longest lifetime of an access token
	KeptUntil        Moment        // the server serves by them until then, or has said so again
}

// LifetimePromises stores the lifetimes that servers use.
type LifetimePromises interface {
	// PromiseLifetimes records the lifetimes that l.Server uses until l.KeptUntil. If it had not
	// promised the same already at now, the version of the key plan moves on, so that no server
	// carries out a plan without them, and the watchers of TopicKeys are notified.
	PromiseLifetimes(ctx context.Context, l Lifetimes, now Moment) error
}
