package tokens

import (
	"context"
	"fmt"
	"math"
	"sync"
	"sync/atomic"
	"time"

	"authserver/internal/store"
)

// followBatch is the number of revocations in one query of [View.Follow].
const followBatch = 10_000

// View has all revocations in memory, so that the check of an access token needs no query. It is
// complete as of the last Follow.
type View struct {
	Store interface {
		RevocationsAfter(ctx context.Context, after store.Cursor, now store.Moment, limit int) ([]store.Revocation, store.Cursor, error)
	}
	Now func() time.Time

	following sync.Mutex // one Follow at a time; guards cursor
	cursor    store.Cursor

	mu   sync.RWMutex
	held revocationSet

	followed atomic.Pointer[time.Time] // when the last complete one ended

	making, closing sync.Once
	loaded          chan struct{} // see isLoaded
}

// viewKey is the name in a revocation.
type viewKey struct {
	kind  store.RevocationKind
	value string
}

// Follow reads the revocations since the last call, by this server or others.
func (v *View) Follow(ctx context.Context) error {
	v.following.Lock()
	defer v.following.Unlock()
	for {
		batch, next, err := v.Store.RevocationsAfter(ctx, v.cursor, store.At(v.Now()), followBatch)
		if err != nil {
			return fmt.Errorf("read revocations: %w", err)
		}
		v.add(batch)
		last := len(batch) == 0 || next == v.cursor
		v.cursor = next
		if last {
			v.closing.Do(func() { close(v.isLoaded()) })
			now := v.Now()
			v.followed.Store(&now)
			return nil
		}
	}
}

// Current returns an error if no Follow has succeeded within a time, so that later revocations are
// unknown. Before the first Follow that time begins with the first call.
func (v *View) Current(within time.Duration) error {
	now := v.Now()
	v.followed.CompareAndSwap(nil, &now)
	if last := *v.followed.Load(); now.Sub(last) > within {
		return fmt.Errorf("what was revoked since %s is not known", last.UTC().Format(time.RFC3339))
	}
	return nil
}

// isLoaded returns a channel that is closed when the first Follow has ended.
func (v *View) isLoaded() chan struct{} {
	v.making.Do(func() { v.loaded = make(chan struct{}) })
	return v.loaded
}

// Revoked reports whether the token was revoked (RFC 7009 §2.2, RFC 7662 §2.2). Before the first
// Follow ends, Revoked waits for it, and fails with [store.ErrUnavailable] when ctx ends.
func (v *View) Revoked(ctx context.Context, c Claims) (bool, error) {
	select {
	case <-v.isLoaded():
	case <-ctx.Done():
		return false, fmt.Errorf("%w: what is revoked is not loaded yet: %w", store.ErrUnavailable, ctx.Err())
	}
	v.mu.RLock()
	defer v.mu.RUnlock()
	for _, about := range c.names() {
		if before, held := v.held.before(about.viewKey); held && about.issuedUnder < before {
			return true, nil
		}
	}
	return false, nil
}

// RevokedFamily is Revoked for a refresh token, by the NotBefore values in its family. It
// complements the rows of its user and client, which may come from a cache and be older.
func (v *View) RevokedFamily(ctx context.Context, f store.Family) (bool, error) {
	return v.Revoked(ctx, Claims{ClientID: f.ClientID, Subject: f.UserID, Parsed: ID{
		Family: f.ID, Client: milliseconds(f.ClientNotBefore), Subject: milliseconds(f.UserNotBefore),
	}})
}

// revocableName is a name under which a token can be revoked.
type revocableName struct {
	viewKey
	issuedUnder int64 // NotBefore of the named client or user; always too early for a token or a family
}

// names returns all names whose revocation covers the token.
func (c Claims) names() [5]revocableName {
	family := "" // has no revocation
	if !c.Parsed.Family.IsZero() {
		family = c.Parsed.Family.String()
	}
	return [5]revocableName{
		{viewKey{store.RevokedToken, c.ID}, math.MinInt64},
		{viewKey{store.RevokedFamily, family}, math.MinInt64},
		{viewKey{store.RevokedUser, c.Subject}, c.Parsed.Subject},
		{viewKey{store.RevokedClient, c.Subject}, c.Parsed.Subject}, // a client for which another party acts
		{viewKey{store.RevokedClient, c.ClientID}, c.Parsed.Client},
	}
}

// VoidedBy reports whether a revocation covers the token.
func (c Claims) VoidedBy(r store.Revocation) bool {
	for _, about := range c.names() {
		if about.viewKey == (viewKey{r.Kind, r.Value}) && about.issuedUnder < milliseconds(r.Before) {
			return true
		}
	}
	return false
}

// Forget drops revocations that can no longer cover a token.
func (v *View) Forget(now time.Time) {
	for i := range segments {
		v.mu.Lock() // a segment at a time, so that no request waits for all of them
		v.held.forget(i, now)
		v.mu.Unlock()
	}
}

// Len returns the number of revocations in memory.
func (v *View) Len() int {
	v.mu.RLock()
	defer v.mu.RUnlock()
	return v.held.count
}

func (v *View) add(revocations []store.Revocation) {
	for _, r := range revocations {
		v.mu.Lock() // one at a time, so that no request waits for a million of them
		v.held.add(r)
		v.mu.Unlock()
	}
}
