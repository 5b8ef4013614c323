package attempts

import (
	"context"
	"crypto/sha256"
	"fmt"
	"log/slog"
	"sync"
	"time"

	lru "github.com/hashicorp/golang-lru/v2/simplelru"

	"authserver/internal/events"
	"authserver/internal/store"
)

// Bounds on what a server remembers and asks.
const (
	maxKnown = 20_000 // counters
	// reread is the largest age of a counter that makes an attempt wait: after it, a user who was
	// unlocked, or who signed in at another replica, waits no longer.
	reread = time.Second
	// countTimeout bounds how long a refusal waits until its failure is counted.
	countTimeout = time.Second
	// overlap is how far reading the counters of other replicas goes back before the last reading,
	// because clocks differ and transactions take time.
	overlap = time.Minute
)

// Guard decides which attempts have to wait. It caches the counters that have failures, so that an
// attempt without failures costs no query. The database shares them among all replicas. A nil Guard
// counts nothing.
type Guard struct {
	Store interface {
		store.FailedAttempts
		RecordEvent(ctx context.Context, e store.Event) error
	}
	Actor  store.Actor // of the events
	Now    func() time.Time
	Logger *slog.Logger

	mu       sync.Mutex
	known    *lru.LRU[store.FailureKey, counter]
	followed time.Time
}

// counter is a row with the time at which it was read.
type counter struct {
	store.Failures
	read  time.Time
	local bool // there is no row
}

// ThrottledError refuses an attempt that has to wait. Its credentials were not checked.
type ThrottledError struct{ Wait time.Duration }

func (t *ThrottledError) Error() string {
	return fmt.Sprintf("too many attempts failed: the next one may come in %s", t.Wait.Round(time.Millisecond))
}

// Attempt is one that may be made now. Its caller reports the result with Passed or Failed.
type Attempt struct {
	guard   *Guard
	account [sha256.Size]byte
	from    Origin
	known   bool // only from.Device counts
}

// keys are the counters of the attempt, that of the account first.
func (t Attempt) keys() []store.FailureKey {
	if t.known {
		return []store.FailureKey{t.from.device(t.account)}
	}
	return t.from.of(t.account)
}

// Enter returns [ThrottledError] if an attempt at an account has to wait. For a browser in which
// the account signed in before, only its own failures count; if those are too many, it counts like
// any other.
func (g *Guard) Enter(ctx context.Context, account [sha256.Size]byte, from Origin) (Attempt, error) {
	if g == nil {
		return Attempt{}, nil
	}
	turn := Attempt{guard: g, account: account, from: from, known: from.Device != ""}
	if g.idle() {
		return turn, nil
	}
	wait := g.wait(ctx, turn.keys())
	if wait > 0 && turn.known {
		turn.known = false
		wait = g.wait(ctx, turn.keys())
	}
	if wait > 0 {
		return turn, &ThrottledError{wait}
	}
	return turn, nil
}

// idle reports whether no failure is remembered, as is usual: then no attempt waits, and there is
// nothing to reset.
func (g *Guard) idle() bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.counters().Len() == 0
}

// Passed says that the attempt succeeded. It resets the counter of the account from this origin
// (NIST SP 800-63B-4 §3.2.2), but not that of the address: otherwise an attacker with an account
// could reset it at will.
func (t Attempt) Passed(ctx context.Context) {
	if t.guard == nil || t.guard.idle() {
		return
	}
	t.guard.forget(ctx, t.keys()[0])
}

// Forget is Passed for an attempt without Enter.
func (g *Guard) Forget(ctx context.Context, account [sha256.Size]byte, from Origin) {
	Attempt{guard: g, account: account, from: from}.Passed(ctx)
}

// Subject is the user or the client whose credentials an attempt guesses at, for the audit.
type Subject struct {
	UserID    string // "": the user is unknown, or the subject is a client
	ClientID  string // "": the client is unknown, or the subject is a user
	RequestID string
	// LocalOnly keeps the count in this replica, without a row. An attacker can make up
	// client_ids at no cost, and would fill the table.
	LocalOnly bool
}

// Failed counts the attempt.
func (t Attempt) Failed(ctx context.Context, about Subject) {
	if t.guard == nil {
		return
	}
	t.guard.count(ctx, t.keys(), about)
}

// wait is how long an attempt with these keys has to wait; 0 or less: not at all.
func (g *Guard) wait(ctx context.Context, keys []store.FailureKey) time.Duration {
	now := g.Now()
	longest, stale := g.look(keys, now)
	if len(stale) == 0 {
		return longest
	}
	rows, err := g.Store.Failures(ctx, stale)
	if err != nil {
		return longest // the cached counters hold until the database answers
	}
	g.replace(stale, rows, now, false)
	longest, _ = g.look(keys, now)
	return longest
}

// look returns the longest wait of the keys, and the keys whose counters have to be read again.
// Only this attempt reads them, not the next one.
func (g *Guard) look(keys []store.FailureKey, now time.Time) (longest time.Duration, stale []store.FailureKey) {
	g.mu.Lock()
	defer g.mu.Unlock()
	for _, key := range keys {
		c, known := g.counters().Get(key)
		if !known {
			continue
		}
		wait := ruleOf(key).until(c.Failures).Sub(now)
		longest = max(longest, wait)
		if wait > 0 && !c.local && now.Sub(c.read) >= reread {
			stale = append(stale, key)
			c.read = now
			g.counters().Add(key, c)
		}
	}
	return longest, stale
}

// replace caches the rows that were read for the keys.
func (g *Guard) replace(keys []store.FailureKey, rows []store.Failures, now time.Time, here bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	for _, key := range keys {
		g.counters().Remove(key)
	}
	for _, row := range rows {
		g.counters().Add(row.FailureKey, counter{row, now, here})
	}
}

// forget resets the counter of a key, if there is one.
func (g *Guard) forget(ctx context.Context, key store.FailureKey) {
	g.mu.Lock()
	c, known := g.counters().Peek(key)
	g.counters().Remove(key)
	g.mu.Unlock()
	if !known || c.local {
		return
	}
	if err := g.Store.ClearFailures(ctx, key); err != nil {
		g.Logger.WarnContext(ctx, "failed attempts cannot be forgotten, and run down by themselves", "error", err)
	}
}

// count adds a failure by each of the keys. If the database cannot be reached, only this replica
// counts it.
func (g *Guard) count(ctx context.Context, keys []store.FailureKey, about Subject) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), countTimeout) // an attacker who disconnects is counted too
	defer cancel()
	now := store.At(g.Now())
	failed := make([]store.Failure, len(keys))
	for i, key := range keys {
		r := ruleOf(key)
		failed[i] = store.Failure{FailureKey: key, Adds: r.forget, Max: r.most}
	}
	if about.LocalOnly {
		g.replace(keys, g.countHere(now, failed), now, true)
		return
	}
	rows, err := g.Store.CountFailures(ctx, now, failed)
	if err != nil {
		g.Logger.WarnContext(ctx, "failed attempts are counted by this server alone", "error", err)
		rows = g.countHere(now, failed)
	}
	g.replace(keys, rows, now, false)
	for _, row := range rows {
		if r := ruleOf(row.FailureKey); row.Account != [sha256.Size]byte{} && r.failures(row) == r.free {
			g.recordThrottled(ctx, now, row.FailureKey, about)
		}
	}
}

// countHere does in memory what CountFailures does in the database.
func (g *Guard) countHere(now store.Moment, failed []store.Failure) []store.Failures {
	g.mu.Lock()
	defer g.mu.Unlock()
	rows := make([]store.Failures, len(failed))
	for i, f := range failed {
		c, _ := g.counters().Get(f.FailureKey)
		from := now
		if c.ClearAt.After(from) {
			from = c.ClearAt
		}
		rows[i] = store.Failures{FailureKey: f.FailureKey, At: now, ClearAt: from.Add(f.Adds)}
		if last := now.Add(f.Max); rows[i].ClearAt.After(last) {
			rows[i].ClearAt = last
		}
	}
	return rows
}

// recordThrottled records that an account is being guessed at. It records nothing for an account
// that does not exist, so that an attacker cannot fill the table.
func (g *Guard) recordThrottled(ctx context.Context, now store.Moment, key store.FailureKey, about Subject) {
	if about.UserID == "" && about.ClientID == "" {
		return
	}
	by := store.Change{Actor: g.Actor, Event: store.LoginThrottled, At: now, RequestID: about.RequestID}
	if err := g.Store.RecordEvent(ctx, events.Throttled(by, key, about.UserID, about.ClientID)); err != nil {
		g.Logger.ErrorContext(ctx, "an event cannot be recorded", "type", string(store.LoginThrottled), "error", err)
	}
}

// Follow reads what other replicas counted, and what this one counted before it restarted.
func (g *Guard) Follow(ctx context.Context) error {
	now := g.Now()
	g.mu.Lock()
	since := g.followed
	g.mu.Unlock()
	if since.IsZero() {
		since = now.Add(-ruleOf(store.FailureKey{Account: [sha256.Size]byte{1}}).most)
	}
	rows, err := g.Store.FailuresSince(ctx, store.At(since.Add(-overlap)), maxKnown)
	if err != nil {
		return fmt.Errorf("read failed attempts: %w", err)
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	g.followed = now
	for i := range rows { // the newest last, which are remembered longest
		row := rows[len(rows)-1-i]
		if c, known := g.counters().Peek(row.FailureKey); !known || c.At.Before(row.At) || c.ClearAt.Before(row.ClearAt) {
			g.counters().Add(row.FailureKey, counter{row, now, false})
		}
	}
	return nil
}

// counters is the cache. The caller holds the lock.
func (g *Guard) counters() *lru.LRU[store.FailureKey, counter] {
	if g.known == nil {
		g.known, _ = lru.NewLRU[store.FailureKey, counter](maxKnown, nil) // it refuses no positive size
	}
	return g.known
}
