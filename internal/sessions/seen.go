package sessions

import (
	"context"
	"fmt"
	"sync"
	"time"

	"authserver/internal/store"
)

// LastSeen remembers which sessions were used, and records that in batches. No request waits for it,
// and a session in constant use is written once a minute.
type LastSeen struct {
	Store interface {
		SeeSessions(ctx context.Context, seen []store.SessionSeen) error
	}

	mu   sync.Mutex
	seen map[store.SessionID]store.SessionSeen
}

const (
	seenEvery = time.Minute
	// maxSeen bounds the number of remembered sessions. A session beyond it is recorded when it is
	// used again.
	maxSeen      = 50_000
	maxSeenBatch = 1000 // in one batch
)

// note remembers the first use of a session since the last batch. It shows that the session was not
// idle for too long at that time.
func (s *LastSeen) note(seen store.SessionSeen) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.seen == nil {
		s.seen = make(map[store.SessionID]store.SessionSeen)
	}
	if _, known := s.seen[seen.ID]; !known && len(s.seen) < maxSeen {
		s.seen[seen.ID] = seen
	}
}

// Flush records the uses. Those that could not be written are noted again.
func (s *LastSeen) Flush(ctx context.Context) error {
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
			return fmt.Errorf("record which sessions were used: %w", err)
		}
		all = all[len(batch):]
	}
	return nil
}

// again notes the uses that could not be written. They are older than those noted in the meantime.
func (s *LastSeen) again(all []store.SessionSeen) {
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
