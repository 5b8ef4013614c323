package tokens

import (
	"context"
	"encoding/hex"
	"fmt"
	"math"
	"sync"
	"time"

	"authserver/internal/store"
)

// followBatch is how many revocations one query of [View.Follow] brings.
const followBatch = 1000

// View is what is revoked, held in memory so that no check of an access token
// asks the database. It is complete as of the last Follow.
type View struct {
	Store store.Revocations
	Now   func() time.Time

	following sync.Mutex // one Follow at a time; guards cursor
	cursor    store.Cursor

	mu      sync.RWMutex
	entries map[viewKey]viewEntry
}

type viewKey struct {
	kind  store.RevocationKind
	value string
}

type viewEntry struct {
	before  int64 // milliseconds since the epoch, as an ID has them
	expires int64 // microseconds since the epoch
}

// Follow takes in what was revoked since the last call, here or elsewhere.
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
			return nil
		}
	}
}

// Revoke records a revocation, for every replica, and is obeyed here at once.
func (v *View) Revoke(ctx context.Context, r store.Revocation) error {
	if err := v.Store.Revoke(ctx, r); err != nil {
		return fmt.Errorf("record a revocation: %w", err)
	}
	v.add([]store.Revocation{r})
	return nil
}

// Revoked reports whether the token was revoked (RFC 7009 §2.2, RFC 7662 §2.2).
func (v *View) Revoked(c Claims) bool {
	v.mu.RLock()
	defer v.mu.RUnlock()
	for _, about := range c.names() {
		if entry, ok := v.entries[about.viewKey]; ok && about.issuedUnder < entry.before {
			return true
		}
	}
	return false
}

// named is a name under which a token can be revoked.
type named struct {
	viewKey
	issuedUnder int64 // NotBefore of who is named; always too early for a token or a family
}

// names returns everything whose revocation voids the token.
func (c Claims) names() [5]named {
	family := "" // of which nothing is revoked
	if c.Parsed.Family != (store.FamilyID{}) {
		family = hex.EncodeToString(c.Parsed.Family[:])
	}
	return [5]named{
		{viewKey{store.RevokedToken, c.ID}, math.MinInt64},
		{viewKey{store.RevokedFamily, family}, math.MinInt64},
		{viewKey{store.RevokedUser, c.Subject}, c.Parsed.Subject},
		{viewKey{store.RevokedClient, c.Subject}, c.Parsed.Subject}, // a client that somebody else acts for
		{viewKey{store.RevokedClient, c.ClientID}, c.Parsed.Client},
	}
}

// VoidedBy reports whether a revocation voids the token.
func (c Claims) VoidedBy(r store.Revocation) bool {
	for _, about := range c.names() {
		if about.viewKey == (viewKey{r.Kind, r.Value}) && about.issuedUnder < milliseconds(r.Before) {
			return true
		}
	}
	return false
}

// Forget drops what can void no token any longer.
func (v *View) Forget(now time.Time) {
	moment := now.UnixMicro()
	v.mu.Lock()
	defer v.mu.Unlock()
	for key, entry := range v.entries {
		if entry.expires <= moment {
			delete(v.entries, key)
		}
	}
}

// Len returns how many revocations are held.
func (v *View) Len() int {
	v.mu.RLock()
	defer v.mu.RUnlock()
	return len(v.entries)
}

func (v *View) add(revocations []store.Revocation) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.entries == nil {
		v.entries = make(map[viewKey]viewEntry)
	}
	for _, r := range revocations {
		key := viewKey{r.Kind, r.Value}
		entry := v.entries[key]
		v.entries[key] = viewEntry{
			before:  max(entry.before, milliseconds(r.Before)),
			expires: max(entry.expires, r.ExpiresAt.UnixMicro()),
		}
	}
}
