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

// Sets keeps the key sets of others. All of it may be called concurrently.
type Sets struct {
	Fetcher *Fetcher
	Now     func() time.Time
	// Patience bounds the pause after fetches that failed, which doubles with each; 0: a
	// minute.
	Patience time.Duration
	// Idle is for how long a set is kept that no token asked for; 0: until the end.
	Idle time.Duration
	// Log is told why fetches failed; nil: nothing is logged.
	Log *slog.Logger

	fetches fetches

	mu   sync.Mutex
	all  map[Source]*set
	ctx  context.Context // of the fetches; nil: none was needed yet
	stop context.CancelFunc
}

// Keys returns the keys of a source that a token with this header may have been
// signed with; none is no error. An error says that the source may have such a key, and why
// that is not known.
//
// A fetch is waited for where no set is there, where the set has outlived its time, or
// where the header names a key that the set has not. The last is done once in a while, so
// that whoever makes up names drives nothing. After a fetch that failed, keys that are
// there are used without waiting for the next, and where there are none it is waited for
// a second at most: a publisher that is down holds up nothing.
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

// of returns the set of a source, and makes room for it; and the context of its fetches.
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
	k := &set{patience: s.Patience}
	s.all[source] = k
	return k, s.ctx, nil
}

// open prepares for the first source. The caller holds mu.
func (s *Sets) open() {
	if s.ctx == nil {
		s.ctx, s.stop = context.WithCancel(context.Background())
		s.all = make(map[Source]*set)
	}
}

// Refresh fetches anew what will not be fresh much longer, so that no request has to wait
// for it, and lets go of what is idle. It returns when that is done. Call it every few
// seconds.
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

// Close ends the fetches that are under way, and nothing is fetched any more. It returns
// when they have ended. The sets that are there are used until they are too old.
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
