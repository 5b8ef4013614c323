package keys

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"authserver/internal/store"
)

// Timeline has the durations of the parts of a key's life. Servers on one database may differ, as
// they do during a change of settings: they keep what each of them has promised to verifiers (see
// [Manager.Load]).
type Timeline struct {
	RotationInterval time.Duration // how long a key signs
	JWKSMaxAge       time.Duration // how long the JWKS is fresh in a cache
	// PollInterval is the longest time for a change, from the reading of the clock that is written
	// into it to the memory of every replica that reaches its database. WriteWithin and
	// TickInterval are parts of it.
	PollInterval time.Duration
	ClockSkew    time.Duration // the largest difference between two clocks of replicas and verifiers
	MaxTokenTTL  time.Duration // the longest lifetime of an access token
}

// StaleWhileRevalidate is how long after JWKSMaxAge a cache may use the JWKS while it fetches it
// again (RFC 5861 §3): a tenth, in whole seconds.
func (t Timeline) StaleWhileRevalidate() time.Duration {
	return (t.JWKSMaxAge / 10).Truncate(time.Second)
}

// Lead is how long a key is published before it signs. By then every replica has it, and a verifier
// that fetched the JWKS just before it was published has fetched it again.
func (t Timeline) Lead() time.Duration { return t.Cached() + t.PollInterval + t.ClockSkew }

// Cached is how long a verifier may use a JWKS, fresh and then stale.
func (t Timeline) Cached() time.Duration { return t.JWKSMaxAge + t.StaleWhileRevalidate() }

// Lag is how long a key stays published after it stopped signing. By then the last token that it
// signed has expired.
func (t Timeline) Lag() time.Duration { return t.MaxTokenTTL + t.ClockSkew }

// WriteWithin is the time in which a change of keys must be committed.
func (t Timeline) WriteWithin() time.Duration { return t.PollInterval / 2 }

// TickInterval is the interval at which the server must call [Manager.Tick]. Together with
// WriteWithin it leaves a quarter of PollInterval for reading the keys.
func (t Timeline) TickInterval() time.Duration { return t.PollInterval / 4 }

// Validate reports every setting that the server cannot keep. It is given how settings write a duration.
func (t Timeline) Validate(write func(time.Duration) string) error {
	var faults []error
	require := func(ok bool, format string, durations ...time.Duration) {
		if ok {
			return
		}
		written := make([]any, len(durations))
		for i, d := range durations {
			written[i] = write(d)
		}
		faults = append(faults, fmt.Errorf(format, written...))
	}
	require(t.PollInterval >= time.Second, "key-poll-interval is %v: it has to be 1s or more", t.PollInterval)
	require(t.JWKSMaxAge >= 0, "jwks-max-age is %v: it cannot be negative", t.JWKSMaxAge)
	require(t.ClockSkew >= 0, "clock-skew is %v: it cannot be negative", t.ClockSkew)
	require(t.MaxTokenTTL > 0, "max-access-token-ttl is %v: it has to be more than nothing", t.MaxTokenTTL)
	require(t.RotationInterval >= t.Lead(),
		"key-rotation-interval is %v: it has to be %v or more, the sum of jwks-max-age and a tenth of it, key-poll-interval and clock-skew,"+
			" because a key is published for so long before it signs", t.RotationInterval, t.Lead())
	return errors.Join(faults...)
}

// State is a part of a signing key's life.
type State string

// The states, in their order.
const (
	Pending State = "pending" // published, but does not sign yet
	Active  State = "active"  // signs; exactly one per algorithm
	Retired State = "retired" // published, but no longer signs
	Removed State = "removed" // no longer published
)

// StateAt returns the state of a key at a moment.
func StateAt(k store.SigningKey, now time.Time) State {
	switch {
	case !k.RevokedAt.IsZero(), reached(k.RemovedAt, now):
		return Removed
	case reached(k.RetiredAt, now):
		return Retired
	// The very first key has no predecessor to wait for. We sign with it even if the clock of the
	// replica that made it is ahead of ours.
	case now.Before(k.ActiveAt) && (k.Predecessor != "" || k.ActiveAt.After(k.PublishedAt)):
		return Pending
	default:
		return Active
	}
}

func reached(moment store.Moment, now time.Time) bool { return !moment.IsZero() && !now.Before(moment) }

// Handover has the moments at which a key takes over from its predecessor.
type Handover struct {
	At        store.Moment // the successor signs, the predecessor no longer does
	RemovedAt store.Moment // the predecessor leaves the JWKS
}

// Regular returns the handover, planned now, from a key to a successor with the given moment of
// publication.
func (t Timeline) Regular(predecessor store.SigningKey, publishedAt, now store.Moment) Handover {
	return t.handover(later(t.Earliest(publishedAt, now).At, predecessor.ActiveAt.Add(t.RotationInterval)), now)
}

// Earliest returns the first possible handover, planned now, to a key with the given moment of
// publication.
func (t Timeline) Earliest(publishedAt, now store.Moment) Handover {
	return t.handover(later(now, publishedAt.Add(t.Lead())), now)
}

// handover counts Lag from the moment at which the last replica stops signing with the predecessor.
// That is the handover, or if it is sooner than the poll, the moment at which the last replica
// knows of it.
func (t Timeline) handover(at, now store.Moment) Handover {
	return Handover{At: at, RemovedAt: later(at, now.Add(t.propagation())).Add(t.Lag())}
}

// propagation is how long a change takes to reach every replica, whatever time its clock shows.
func (t Timeline) propagation() time.Duration { return t.PollInterval + t.ClockSkew }

func later(a, b time.Time) time.Time {
	if a.Before(b) {
		return b
	}
	return a
}

// chain is the keys of one algorithm in the order in which they sign.
type chain []store.SigningKey

// chainOf returns the keys of an algorithm in their order, oldest ActiveAt first.
func chainOf(keys []store.SigningKey, alg string) chain {
	var c chain
	for _, k := range keys {
		if k.Alg == alg {
			c = append(c, k)
		}
	}
	return c
}

// algorithmsOf returns the algorithms that have a key, sorted.
func algorithmsOf(keys []store.SigningKey) []string {
	var algs []string
	for _, k := range keys {
		algs = append(algs, k.Alg)
	}
	slices.Sort(algs)
	return slices.Compact(algs)
}

// last returns the key that has no successor yet.
func (c chain) last() (store.SigningKey, bool) {
	for _, k := range slices.Backward(c) {
		if k.RetiredAt.IsZero() {
			return k, true
		}
	}
	return store.SigningKey{}, false
}

// in returns the first key that is in a state at a moment.
func (c chain) in(state State, now time.Time) (store.SigningKey, bool) {
	i := slices.IndexFunc(c, func(k store.SigningKey) bool { return StateAt(k, now) == state })
	if i < 0 {
		return store.SigningKey{}, false
	}
	return c[i], true
}

// due returns the key that needs a successor now: the key that signs, if no key waits
// to take over from it.
func (c chain) due(now time.Time) (store.SigningKey, bool) {
	if _, waiting := c.in(Pending, now); waiting {
		return store.SigningKey{}, false
	}
	return c.last()
}
