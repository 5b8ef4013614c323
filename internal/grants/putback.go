package grants

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"authserver/internal/store"
)

// PutBacks puts refresh tokens back whose exchange could not be answered, so that they are
// as good as before. If the database is away, it does so later. If the process ends before
// that, the client has only the grace, as after a lost answer.
type PutBacks struct {
	Families interface {
		PutBack(ctx context.Context, r store.Rotation, was store.Outcome) error
	}

	mu      sync.Mutex
	waiting map[store.FamilyID][]store.Rotation
	count   int
}

const (
	putBackWithin = time.Second // for the request that could not be answered
	// maxPutBacks bounds how many wait: as many as there were requests under way when
	// the database went away.
	maxPutBacks = 10_000
)

// PutBack undoes a rotation. was is the outcome of the rotation, or [store.Unknown].
// PutBack goes on when ctx has ended. Its error is for the log: what could not be put back
// is tried again.
func (p *PutBacks) PutBack(ctx context.Context, r store.Rotation, was store.Outcome) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), putBackWithin)
	defer cancel()
	err := p.Families.PutBack(ctx, r, was)
	if err == nil || was == store.Graced { // which moved nothing
		return err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.count >= maxPutBacks {
		return fmt.Errorf("put the refresh token back, and too many wait for that already: %w", err)
	}
	if p.waiting == nil {
		p.waiting = make(map[store.FamilyID][]store.Rotation)
	}
	p.waiting[r.ID] = append(p.waiting[r.ID], r)
	p.count++
	return fmt.Errorf("put the refresh token back, which is tried again: %w", err)
}

// Settle puts back what waits for a family, before its next rotation. Nearly always
// nothing waits, and then it makes no query.
func (p *PutBacks) Settle(ctx context.Context, id store.FamilyID) error {
	for _, r := range p.of(id) {
		if err := p.Families.PutBack(ctx, r, store.Unknown); err != nil {
			return err
		}
		p.done(r)
	}
	return nil
}

// Flush puts back whatever waits. It stops at the first that fails.
func (p *PutBacks) Flush(ctx context.Context) error {
	p.mu.Lock()
	families := make([]store.FamilyID, 0, len(p.waiting))
	for id := range p.waiting {
		families = append(families, id)
	}
	p.mu.Unlock()
	for _, id := range families {
		if err := p.Settle(ctx, id); err != nil {
			return fmt.Errorf("put back refresh tokens that could not be answered: %w", err)
		}
	}
	return nil
}

// of returns what waits of a family, the newest first: each goes back to where the one
// before it left the family.
func (p *PutBacks) of(id store.FamilyID) []store.Rotation {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.count == 0 {
		return nil
	}
	waiting := slices.Clone(p.waiting[id])
	slices.Reverse(waiting)
	return waiting
}

// done takes one out that is put back.
func (p *PutBacks) done(r store.Rotation) {
	p.mu.Lock()
	defer p.mu.Unlock()
	waiting := p.waiting[r.ID]
	i := slices.IndexFunc(waiting, func(other store.Rotation) bool { return other.Generation == r.Generation && other.Now.Equal(r.Now) })
	if i < 0 {
		return // another request was quicker
	}
	p.count--
	if waiting = slices.Delete(waiting, i, i+1); len(waiting) == 0 {
		delete(p.waiting, r.ID)
		return
	}
	p.waiting[r.ID] = waiting
}
