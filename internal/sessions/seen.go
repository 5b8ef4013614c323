package sessions

import (
	"context"
	"fmt"
	"sync"
	"time"

	"authserver/internal/store"
)

// Seen remembers which sessions were used, and writes that down in batches: no request
// waits for it, and a session that is used all the time is written once a minute.
type Seen struct {
	Store interface {
		SeeSessions(ctx context.Context, seen []store.SessionSeen) error
	}

	mu   sync.Mutex
	seen map[store.SessionID]store.SessionSeen
}

const (
	seenEvery = time.Minute
	// maxSeen bounds how many sessions are remembered. Those beyond it are written down when
	// they are used again.
	maxSeen      = 50_000
	maxSeenBatch = 1000 // in one batch
)

// note remembers that a session was used: the first time since what was noted was written down,
// which shows that the session was not idle for too long by then.
func (s *Seen) note(seen store.SessionSeen) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.seen == nil {
		s.seen = make(map[store.SessionID]store.SessionSeen)
	}
	if _, known := s.seen[seen.ID]; !known && len(s.seen) < maxSeen {
		s.seen[seen.ID] = seen
	}
}

// Flush writes down what was noted. What could not be written is noted again.
func (s *Seen) Flush(ctx context.Context) error {
	s.mu.Lock()
	all := make([]store.SessionSeen, 0, len(s.seen))
	for _, seen := range s.seen {
		all = append(all, seen)
	}
	s.seen = nil
	s.mu.Unlock()
	for len(all) > 0 {
		batch := all[:min(maxSeenBatch, len(all))]
		if err := s.Store.SeeSessions(ctx, batch); err != nil {
			s.again(all)
			return fmt.Errorf("write down which sessions were used: %w", err)
		}
		all = all[len(batch):]
	}
	return nil
}

// again notes what could not be written. It is from before whatever was noted meanwhile.
func (s *Seen) again(all []store.SessionSeen) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.seen == nil {
		s.seen = make(map[store.SessionID]store.SessionSeen)
	}
	for _, seen := range all {
		if _, known := s.seen[seen.ID]; known || len(s.seen) < maxSeen {
			s.seen[seen.ID] = seen
		}
	}
}
