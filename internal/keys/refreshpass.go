package keys

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"authserver/internal/store"
)

// Bounds on the part of a pass in one tick. Ten million families take some minutes.
const (
	passPages     = 100             // at most
	passWithin    = 2 * time.Second // or half of the time until the next tick, if that is shorter
	passPage      = store.MaxPage   // families; fewer if the database is slow
	passPageLeast = 100
)

// pass goes through all families, in as many ticks as it takes, to find out how long keys that are
// no longer in use are needed. A family that changes behind the cursor has a refresh token of a key
// that is in use, and the pass has seen its earlier token. So the result of a pass is valid only
// for the keys that were no longer in use when it began.
type pass struct {
	over   []uint32 // IDs of the keys
	cursor store.Cursor
	last   store.Moment // the latest end among the families so far
	page   int          // families
	ended  bool
}

// expire sets the end of keys that are no longer in use, when it knows how long there are refresh
// tokens of such a key, or access tokens with a revocation handle that the key sealed.
func (r *RefreshKeys) expire(ctx context.Context, t Timeline, keys []refreshKey, over []int) error {
	r.passing.Lock()
	defer r.passing.Unlock()
	now := store.At(r.Now())
	// Until then a replica, by its own clock, may still make refresh tokens with the key.
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
		// For a moment that another server wrote, a server adds the clock skew, both to the end of
		// a family and to the end of the grace.
		row.RemovedAt = store.At(later(now.Add(t.MaxTokenTTL), r.pass.last).Add(r.Grace + 2*t.ClockSkew))
		if err := r.Store.RescheduleSecretKey(ctx, row, r.own(store.RefreshKeyRescheduled, now)); err != nil && !errors.Is(err, store.ErrNotFound) {
			return fmt.Errorf("let refresh token key %d expire: %w", row.ID, err)
		}
	}
	r.pass = nil
	return nil
}

// goOn looks at as many families as a tick may. If the database fails, it keeps what it has seen.
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
