package verifier

import (
	"errors"
	"fmt"
	"sync"
	"time"
)

var errSeen = errors.New("the proof was used before")

// seen remembers what may be used once, for a time and a number that are bounded. It
// keeps two generations, so that forgetting costs nothing: an ID stays for at least one
// lifetime and at most two.
type seen struct {
	lifetime time.Duration
	limit    int // of each generation

	mu           sync.Mutex
	since        time.Time // when the younger generation began
	younger, old map[[32]byte]struct{}
}

func newSeen(lifetime time.Duration, limit int) *seen {
	return &seen{lifetime: lifetime, limit: max(limit/2, 1), younger: map[[32]byte]struct{}{}}
}

// add remembers an ID, or answers errSeen where it does already. Where it is full it
// refuses: to forget one early would make that good again.
func (s *seen) add(id [32]byte, now time.Time) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if age := now.Sub(s.since); age > s.lifetime {
		s.old = s.younger
		if age > 2*s.lifetime {
			s.old = nil
		}
		s.younger, s.since = map[[32]byte]struct{}{}, now
	}
	_, inYounger := s.younger[id]
	_, inOld := s.old[id]
	if inYounger || inOld {
		return errSeen
	}
	if len(s.younger) >= s.limit {
		return fmt.Errorf("%w: too many proofs are remembered", ErrUnavailable)
	}
	s.younger[id] = struct{}{}
	return nil
}
