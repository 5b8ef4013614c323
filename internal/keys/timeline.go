package keys

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"authserver/internal/store"
)

// Timeline says how long a key spends in each part of its life. Servers on one
// database may differ, as they do while settings are changed: what each of them
// has promised to verifiers is kept (see [Manager.Load]).
type Timeline struct {
	RotationInterval time.Duration // how long a key signs
	JWKSMaxAge       time.Duration // how long the JWKS is fresh in a cache
	// PollInterval is the longest that a change may take from the reading of the
	// clock that is written into it to the memory of every replica that reaches its
	// database. WriteWithin and TickInterval share it out.
	PollInterval time.Duration
	ClockSkew    time.Duration // the most by which any two clocks differ, replicas' and verifiers'
	MaxTokenTTL  time.Duration // the longest lifetime of an access token
}

// StaleWhileRevalidate is for how long after JWKSMaxAge a cache may go on with the JWKS
// while it fetches it again (RFC 5861 §3): a tenth, in whole seconds.
func (t Timeline) StaleWhileRevalidate() time.Duration {
	return (t.JWKSMaxAge / 10).Truncate(time.Second)
}

// Lead is how long a key is published before it signs: by then every replica has it,
// and a verifier that fetched the JWKS just before that has fetched it again.
func (t Timeline) Lead() time.Duration { return t.Cached() + t.PollInterval + t.ClockSkew }

// Cached is how long a verifier may use a JWKS that it has, fresh and then stale.
func (t Timeline) Cached() time.Duration { return t.JWKSMaxAge + t.StaleWhileRevalidate() }

// Lag is how long a key stays published after it stopped signing: by then the
// last token that it signed has expired.
func (t Timeline) Lag() time.Duration { return t.MaxTokenTTL + t.ClockSkew }

// WriteWithin is how long a change of keys may take to be committed.
func (t Timeline) WriteWithin() time.Duration { return t.PollInterval / 2 }

// TickInterval is how often [Manager.Tick] is to be called. Together with
// WriteWithin it leaves a quarter of PollInterval for the reading itself.
func (t Timeline) TickInterval() time.Duration { return t.PollInterval / 4 }

// Validate reports every setting that cannot be kept to.
func (t Timeline) Validate() error {
	var faults []error
	require := func(ok bool, format string, args ...any) {
		if !ok {
			faults = append(faults, fmt.Errorf(format, args...))
		}
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
	Pending State = "pending" // published, and does not sign yet
	Active  State = "active"  // signs; exactly one per algorithm
	Retired State = "retired" // published, and signs no longer
	Removed State = "removed" // not published any longer
)

// StateAt returns the state of a key at a moment.
func StateAt(k store.SigningKey, now time.Time) State {
	switch {
	case !k.RevokedAt.IsZero(), reached(k.RemovedAt, now):
		return Removed
	case reached(k.RetiredAt, now):
		return Retired
	// The very first key has no predecessor to wait for: even if the clock of the
	// replica that made it is ahead of ours, we sign with it.
	case now.Before(k.ActiveAt) && (k.Predecessor != "" || k.ActiveAt.After(k.PublishedAt)):
		return Pending
	default:
		return Active
	}
}

func reached(moment store.Moment, now time.Time) bool { return !moment.IsZero() && !now.Before(moment) }

// Handover is when a key takes over from its predecessor.
type Handover struct {
	At        store.Moment // the successor signs, the predecessor no longer
	RemovedAt store.Moment // the predecessor leaves the JWKS
}

// Regular is the handover, planned now, from a key to a successor that was or is
// published at the moment given.
func (t Timeline) Regular(predecessor store.SigningKey, publishedAt, now store.Moment) Handover {
	return t.handover(later(t.Earliest(publishedAt, now).At, predecessor.ActiveAt.Add(t.RotationInterval)), now)
}

// Earliest is the first handover, planned now, to a key that was or is published
// at the moment given.
func (t Timeline) Earliest(publishedAt, now store.Moment) Handover {
	return t.handover(later(now, publishedAt.Add(t.Lead())), now)
}

// handover counts Lag from when the last replica stops signing with the
// predecessor. That is the handover, or where it is nearer than the poll the
// moment at which the last replica has heard of it.
func (t Timeline) handover(at, now store.Moment) Handover {
	return Handover{At: at, RemovedAt: later(at, now.Add(t.propagation())).Add(t.Lag())}
}

// propagation is how long a change takes to reach every replica, whatever its clock shows.
func (t Timeline) propagation() time.Duration { return t.PollInterval + t.ClockSkew }

func later(a, b time.Time) time.Time {
	if a.Before(b) {
		return b
	}
	return a
}

// chain is the keys of one algorithm in the order in which they sign.
type chain []store.SigningKey

// chainOf picks the keys of an algorithm, keeping their order, oldest ActiveAt
// first.
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

// in returns the first key that is in the state at the moment.
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
