package remotekeys

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"authserver/internal/jose"
)

// How long a set is good, and how soon it may be asked for again.
const (
	staleMost  = 24 * time.Hour   // while its publisher is down
	cooldown   = 30 * time.Second // between fetches for a kid that is not there
	failFirst  = time.Second      // after a fetch that failed, doubling
	failLast   = time.Minute
	idleMost   = 2 * time.Hour // a set that nobody asked for is let go
	maxSources = 10_000

	maxRefreshed = 16 // sets that are refreshed at once
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

	fetches fetches

	mu  sync.Mutex
	all map[Source]*set
}

// set is a key set as it was fetched last, and what became of the last fetch.
type set struct {
	mu      sync.Mutex
	keys    jose.KeySet
	fetched time.Time // when keys were asked for that came; zero: never
	fresh   time.Duration
	tried   time.Time // when a fetch ended last
	missed  time.Time // when one was begun last for a key that was not there
	wait    time.Duration
	fault   error         // of that fetch
	running chan struct{} // closed when the fetch that is under way has ended; nil: none is
	used    time.Time

	found located // for the fetch that is under way alone
}

// Keys returns the keys of a source that a token with this header may have been
// signed with; none is no error. Only where no set is there yet, or where the header
// names a key that the set has not, a fetch is waited for, and that one at a time and
// once in a while: whoever makes up names is answered from memory. An error says that
// there is no set, and why.
func (s *Sets) Keys(ctx context.Context, source Source, h jose.Header) ([]jose.Key, error) {
	k, err := s.of(source)
	if err != nil {
		return nil, err
	}
	now := s.Now()
	keys, good := k.read(now)
	if found := keys.Find(h); good && len(found) > 0 {
		return found, nil
	}
	running, failed := k.start(now, good, func() { s.fetch(context.WithoutCancel(ctx), source, k) })
	if running != nil && failed == nil { // who failed before is not waited for
		select {
		case <-running:
		case <-ctx.Done():
			return nil, fmt.Errorf("wait for the keys of the issuer: %w", ctx.Err())
		}
	}
	return k.answer(now, h)
}

// of returns the set of a source, and makes room for it.
func (s *Sets) of(source Source) (*set, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if k, ok := s.all[source]; ok {
		return k, nil
	}
	if s.all == nil {
		s.all = make(map[Source]*set)
	}
	if len(s.all) >= maxSources {
		return nil, fmt.Errorf("the keys of %d others are kept already", maxSources)
	}
	k := &set{}
	s.all[source] = k
	return k, nil
}

// read returns the keys where they are good still.
func (k *set) read(now time.Time) (jose.KeySet, bool) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.used = now
	return k.keys, k.good(now)
}

// answer is what there is to say now. Where the last fetch failed a key that is not
// there may be one that could not be fetched yet: that is an error, and no refusal.
func (k *set) answer(now time.Time, h jose.Header) ([]jose.Key, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	good := k.good(now)
	found := k.keys.Find(h)
	switch {
	case good && len(found) > 0:
		return found, nil
	case k.fault != nil:
		return nil, k.fault
	case !good:
		return nil, errors.New("the keys could not be fetched")
	}
	if k.missed.Before(k.fetched) { // the fetch just now was for this one, too
		k.missed = k.fetched
	}
	return nil, nil
}

func (k *set) good(now time.Time) bool {
	return !k.fetched.IsZero() && now.Sub(k.fetched) < k.fresh+staleMost
}

// start begins a fetch where one may begin, and returns what is closed when it, or
// the one that is under way, has ended, nil where there is none; and what became of the
// last one.
func (k *set) start(now time.Time, good bool, fetch func()) (running chan struct{}, failed error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.running != nil {
		return k.running, k.fault
	}
	if !k.tried.IsZero() && now.Sub(k.tried) < k.wait || good && !k.missed.IsZero() && now.Sub(k.missed) < cooldown {
		return nil, k.fault
	}
	if good {
		k.missed = now
	}
	k.running = make(chan struct{})
	go fetch()
	return k.running, k.fault
}

// fetch fetches a set and takes it in. What fails leaves the last good one.
func (s *Sets) fetch(ctx context.Context, source Source, k *set) {
	ctx, cancel := context.WithTimeout(ctx, 2*fetchTimeout)
	defer cancel()
	asked := s.Now()
	keys, fresh, err := s.load(ctx, source, &k.found)
	s.fetches.count(source, err)
	k.mu.Lock()
	defer k.mu.Unlock()
	k.tried, k.fault = s.Now(), err
	if err == nil {
		k.keys, k.fetched, k.fresh, k.wait = keys, asked, fresh, 0
	} else {
		k.wait = min(max(2*k.wait, failFirst), failLast)
	}
	close(k.running)
	k.running = nil
}

// load fetches a set from where its issuer was found to have it.
func (s *Sets) load(ctx context.Context, source Source, at *located) (jose.KeySet, time.Duration, error) {
	if source.JWKSURI != "" {
		return s.read(ctx, source.JWKSURI)
	}
	if !s.Now().Before(at.until) {
		var err error
		if *at, err = s.Fetcher.discover(ctx, source.Issuer, s.Now()); err != nil {
			return nil, 0, err
		}
	}
	keys, fresh, err := s.read(ctx, at.jwksURI)
	if err != nil {
		*at = located{} // it may have moved
	}
	return keys, fresh, err
}

func (s *Sets) read(ctx context.Context, from string) (jose.KeySet, time.Duration, error) {
	document, err := s.Fetcher.Fetch(ctx, from, s.Now())
	if err != nil {
		return nil, 0, err
	}
	keys, err := jose.ParseKeySet(document.Body)
	if err != nil {
		return nil, 0, fmt.Errorf("read the key set: %w", err)
	}
	if len(keys) == 0 {
		return nil, 0, fmt.Errorf("read the key set: it holds no key that verifies signatures")
	}
	return keys, document.Fresh, nil
}

// Refresh fetches anew what will not be fresh much longer and was asked for lately,
// so that no request has to wait for it, and lets go of what nobody asks for. Call it
// every few seconds.
func (s *Sets) Refresh(ctx context.Context) error {
	now := s.Now()
	s.mu.Lock()
	due := make(map[Source]*set)
	for source, k := range s.all {
		switch idle, old := k.state(now); {
		case idle:
			delete(s.all, source)
		case old && len(due) < maxRefreshed:
			due[source] = k
		}
	}
	s.mu.Unlock()
	started := make(map[*set]chan struct{}, len(due))
	for source, k := range due {
		started[k], _ = k.start(now, false, func() { s.fetch(context.WithoutCancel(ctx), source, k) })
	}
	var faults []error
	for k, running := range started {
		if running == nil { // it failed a moment ago
			continue
		}
		select {
		case <-running:
			faults = append(faults, k.failed())
		case <-ctx.Done():
			return fmt.Errorf("refresh the keys of others: %w", ctx.Err())
		}
	}
	return errors.Join(faults...)
}

func (k *set) failed() error {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.fault
}

// state reports whether nobody asked for the set for long, and whether it is time to
// fetch it again: three quarters through the time for which it is fresh.
func (k *set) state(now time.Time) (idle, old bool) {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.running == nil && now.Sub(k.used) > idleMost, !k.fetched.IsZero() && now.Sub(k.fetched) >= k.fresh*3/4
}
