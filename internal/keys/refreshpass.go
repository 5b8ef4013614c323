package keys

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"authserver/internal/store"
)

// Bounds of what a tick does of a pass. Ten million families take some minutes.
const (
	passPages     = 100             // at most
	passWithin    = 2 * time.Second // or half of the time until the next tick, if that is shorter
	passPage      = store.MaxPage   // families; fewer where the database is slow
	passPageLeast = 100
)

// pass goes through all families, over as many ticks as it takes, to find out until
// when keys that are not in use any more are needed. A family that is changed behind
// the cursor has a refresh token of a key that is in use, and what it had before was
// seen. So what a pass finds is good for the keys that were not in use any more when it
// began, and for no others.
type pass struct {
	over   []uint32 // IDs of the keys
	cursor store.Cursor
	last   store.Moment // of the families that were looked at
	page   int          // families
	ended  bool
}

// expire lets the keys end that are not in use any more, once it is known until when
// there are refresh tokens of theirs, or access tokens that carry what such a key sealed:
// a handle to revoke them by.
func (r *RefreshKeys) expire(ctx context.Context, t Timeline, keys []refreshKey, over []int) error {
	r.passing.Lock()
	defer r.passing.Unlock()
	now := store.At(r.Now())
	// Until then a replica may make refresh tokens with one, by whatever clock.
	over = slices.DeleteFunc(over, func(i int) bool { return !reached(keys[i+1].row.ActiveAt.Add(t.propagation()), now) })
	if len(over) == 0 {
		r.pass = nil // another replica was quicker
		return nil
	}
	if r.pass == nil {
		r.pass = &pass{page: passPage}
		for _, i := range over {
			r.pass.over = append(r.pass.over, keys[i].row.ID)
		}
	}
	if err := r.goOn(ctx, t); err != nil {
		return fmt.Errorf("find out until when old refresh token keys are needed: %w", err)
	}
	if !r.pass.ended {
		return nil
	}
	now = store.At(r.Now())
	for _, i := range over {
		row := keys[i].row
		if !slices.Contains(r.pass.over, row.ID) {
			continue
		}
		// A server takes a moment that another wrote for one that is the skew later, and
		// so the end of a family as well as that of the grace.
		row.RemovedAt = store.At(later(now.Add(t.MaxTokenTTL), r.pass.last).Add(r.Grace + 2*t.ClockSkew))
		if err := r.Store.RescheduleSecretKey(ctx, row, r.own(store.RefreshKeyRescheduled, now)); err != nil && !errors.Is(err, store.ErrNotFound) {
			return fmt.Errorf("let refresh token key %d expire: %w", row.ID, err)
		}
	}
	r.pass = nil
	return nil
}

// goOn looks at as many families as a tick may. What it has seen is kept where the
// database fails.
func (r *RefreshKeys) goOn(ctx context.Context, t Timeline) error {
	p, began := r.pass, r.Now()
	for range passPages {
		if p.ended || r.Now().Sub(began) >= min(passWithin, t.TickInterval()/2) {
			return nil
		}
		last, next, err := r.Store.LastIdleExpiry(ctx, p.cursor, p.page)
		if err != nil {
			p.page = max(p.page/2, passPageLeast) // it may have taken too long
			return err
		}
		p.cursor, p.last, p.ended = next, later(p.last, last), next == ""
	}
	return nil
}
