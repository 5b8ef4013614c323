package remotekeys

import (
	"context"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"sync"
	"time"

	"authserver/internal/jose"
)

const (
	maxSources   = 10_000
	maxRefreshed = 16 // sets that [Sets.Refresh] fetches at once
)

// Source is where a key set is: exactly one of the fields.
type Source struct {
	JWKSURI string // its URL
	Issuer  string // the identifier of an issuer whose metadata has its URL
}

// Sets keeps the key sets of others. Its methods may be called concurrently.
type Sets struct {
	Fetcher *Fetcher
	Now     func() time.Time
	// MaxPause bounds the pause after a failed fetch, which doubles with each failure; 0:
	// a minute.
	MaxPause time.Duration
	// Idle is how long a set stays without a token that asks for it; 0: without limit.
	Idle time.Duration
	// Log records why fetches fail; nil: nothing is logged.
	Log *slog.Logger

	fetches fetches

	mu   sync.Mutex
	all  map[Source]*set
	ctx  context.Context // of the fetches; nil until the first one
	stop context.CancelFunc
}

// Keys returns the keys of a source that may have signed a token with this header. It returns none
// and no error if the source has no such key. An error means that the source may have such a key,
// and says why Keys cannot know.
//
// Keys waits for a fetch if there is no set, if the set is stale, or if the header names a key that
// the set does not have. For a missing key it fetches at most every 30 seconds, so that an attacker
// who invents names cannot cause fetches. After a failed fetch, Keys uses the keys that it has
// without waiting, and if it has none, it waits for a second at most. So a publisher that is down
// delays no request for long.
func (s *Sets) Keys(ctx context.Context, source Source, h jose.Header) ([]jose.Key, error) {
	k, fetches, err := s.of(source)
	if err != nil {
		return nil, err
	}
	found, running, longest := k.ask(s.Now(), h, func() { s.fetch(fetches, source, k) })
	if running == nil && len(found) > 0 {
		return found, nil
	}
	if running != nil {
		timer := time.NewTimer(longest)
		defer timer.Stop()
		select {
		case <-running:
		case <-timer.C:
		case <-ctx.Done():
			return nil, fmt.Errorf("wait for the keys of the issuer: %w", ctx.Err())
		}
	}
	return k.answer(s.Now(), h)
}

// of returns the set of a source, new if need be, and the context of its fetches.
func (s *Sets) of(source Source) (*set, context.Context, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.open()
	if k, ok := s.all[source]; ok {
		return k, s.ctx, nil
	}
	if len(s.all) >= maxSources {
		return nil, nil, fmt.Errorf("the keys of %d others are kept already", maxSources)
	}
	k := &set{maxPause: s.MaxPause}
	s.all[source] = k
	return k, s.ctx, nil
}

// open sets what the zero value lacks. The caller holds mu.
func (s *Sets) open() {
	if s.ctx == nil {
		s.ctx, s.stop = context.WithCancel(context.Background())
		s.all = make(map[Source]*set)
	}
}

// Refresh fetches the sets that will soon be stale, so that no request waits for them, and
// forgets idle ones. It returns when the fetches have ended. Call it every few seconds.
func (s *Sets) Refresh(ctx context.Context) error {
	for _, running := range s.startDue() {
		select {
		case <-running:
		case <-ctx.Done():
			return fmt.Errorf("refresh the keys of others: %w", ctx.Err())
		}
	}
	return nil
}

func (s *Sets) startDue() []<-chan struct{} {
	now := s.Now()
	s.mu.Lock()
	defer s.mu.Unlock()
	var started []<-chan struct{}
	for source, k := range s.all {
		if k.idle(now, s.Idle) {
			delete(s.all, source)
			continue
		}
		if len(started) == maxRefreshed {
			continue
		}
		if running := k.refresh(now, func() { s.fetch(s.ctx, source, k) }); running != nil {
			started = append(started, running)
		}
	}
	return started
}

// Close cancels the running fetches, waits for them to end, and prevents further ones. Sets
// that were fetched stay in use until they are too old.
func (s *Sets) Close() {
	s.mu.Lock()
	s.open()
	s.stop()
	all := slices.Collect(maps.Values(s.all))
	s.mu.Unlock()
	for _, k := range all {
		k.settle()
	}
}
