package grants

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"authserver/internal/store"
)

// PutBacks undoes the rotation of refresh tokens whose exchange could not be answered, so that they
// stay valid. If the database is down, it does so later. If the process ends before that, the
// client has only the grace, as after a lost answer.
type PutBacks struct {
	Families interface {
		PutBack(ctx context.Context, r store.Rotation, was store.Outcome) error
	}

	mu      sync.Mutex
	waiting map[store.FamilyID][]store.Rotation
	count   int
}

const (
	putBackWithin = time.Second // time limit for the request that could not be answered
	// maxPutBacks bounds the number that waits: the largest number of requests under way when the
	// database fails.
	maxPutBacks = 10_000
)

// PutBack undoes a rotation. was is the outcome of the rotation, or [store.Unknown]. PutBack
// continues when ctx has ended. Its error is for the log: a failed put-back is tried again.
func (p *PutBacks) PutBack(ctx context.Context, r store.Rotation, was store.Outcome) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), putBackWithin)
	defer cancel()
	err := p.Families.PutBack(ctx, r, was)
	if err == nil || was == store.Graced { // the rotation changed nothing
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

// Settle finishes the waiting put-backs of a family before its next rotation. Usually none waits,
// and then it makes no query.
func (p *PutBacks) Settle(ctx context.Context, id store.FamilyID) error {
	for _, r := range p.of(id) {
		if err := p.Families.PutBack(ctx, r, store.Unknown); err != nil {
			return err
		}
		p.done(r)
	}
	return nil
}

// Flush tries all waiting put-backs, and stops at the first failure.
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

// of returns the waiting put-backs of a family, the newest first: each restores the state that the
// one before it left.
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

// done removes a finished put-back.
func (p *PutBacks) done(r store.Rotation) {
	p.mu.Lock()
	defer p.mu.Unlock()
	waiting := p.waiting[r.ID]
	i := slices.IndexFunc(waiting, func(other store.Rotation) bool { return other.Generation == r.Generation && other.Now.Equal(r.Now) })
	if i < 0 {
		return // another request came first
	}
	p.count--
	if waiting = slices.Delete(waiting, i, i+1); len(waiting) == 0 {
		delete(p.waiting, r.ID)
		return
	}
	p.waiting[r.ID] = waiting
}
