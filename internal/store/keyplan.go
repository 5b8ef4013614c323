package store

import (
	"context"
	"time"
)

// KeyPlan is what the timeline of the signing keys follows from, as it was read.
type KeyPlan struct {
	// Version moves on with each change of a key's moments, and when lifetimes come
	// into force. Of several replicas that plan by one version one succeeds.
	Version   int64
	Keys      []SigningKey // oldest ActiveAt first
	Lifetimes []Lifetimes
}

// KeyPlanChange is a change of the signing keys that was planned by a version.
type KeyPlanChange struct {
	Version int64        // of the plan that it was planned by
	Update  []SigningKey // first, in this order; Alg, PublicJWK, Sealed and LastUsedAt stay
	Add     []SigningKey // then
	Brought string       // the KID of the one of Add that an administrator brought; "": none
}

// Lifetimes are the settings by which a server has promised to serve: what it
// tells verifiers and puts into tokens.
type Lifetimes struct {
	Server           string        // names one run of a server
	RotationInterval time.Duration // how long a key signs
	JWKSMaxAge       time.Duration // how long a verifier may keep the JWKS
	PollInterval     time.Duration // the longest that a replica takes to see a change
	ClockSkew        time.Duration // the most by which two clocks differ
	MaxTokenTTL      time.Duration // the longest lifetime of an access token
	KeptUntil        Moment        // the server serves by them until then, or has said so again
}

// LifetimePromises keeps the lifetimes that servers serve by.
type LifetimePromises interface {
	// PromiseLifetimes records by what l.Server serves until l.KeptUntil. If it had not
	// promised the same already at now, the version of the key plan moves on, so that
	// no server carries out a plan made without it, and the watchers of TopicKeys are
	// told.
	PromiseLifetimes(ctx context.Context, l Lifetimes, now Moment) error
}
