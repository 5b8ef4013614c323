package verifier

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"authserver/internal/jose"
)

// How often keys are fetched.
const (
	unknownGap = 30 * time.Second // between fetches for keys that are not known
	retryGap   = 5 * time.Second  // after a fetch that failed, where a request asks
	keepFor    = 24 * time.Hour   // since the last fetch that did not
)

// keySource is the keys of an issuer. From the first token on they are fetched again ahead
// of the end of their max-age, whether requests come or not. Verifying waits for a fetch
// where there is nothing that it could go by, and once where the keys have outlived their
// max-age all the same; every other fetch goes on beside it, one at a time.
type keySource struct {
	fetcher fetcher
	ctx     context.Context // ends with the verifier
	now     func() time.Time
	log     *slog.Logger

	mu       sync.Mutex
	set      jose.KeySet   // nil: never fetched
	fetched  time.Time     // when it was asked for
	lifetime time.Duration // of the set, from then on
	failed   time.Time     // when the last fetch failed; zero: it did not
	unknown  time.Time     // when a key that is not known was last fetched for
	running  chan struct{} // closed when the fetch under way ends; nil: there is none
	next     *time.Timer   // begins the next one; nil: there was none yet that succeeded
}

func newKeySource(ctx context.Context, issuer, metadata string, o Options) *keySource {
	return &keySource{
		fetcher: fetcher{client: o.HTTPClient, now: o.Now, issuer: issuer, metadata: metadata},
		ctx:     ctx, now: o.Now, log: o.Log,
	}
}

// find returns the keys that may have signed a token with this header; jose.ErrNoKey
// where the issuer has none, and ErrUnavailable where that is not known.
func (k *keySource) find(ctx context.Context, h jose.Header) ([]jose.Key, error) {
	if err := wait(ctx, k.refresh()); err != nil {
		return nil, err
	}
	set, err := k.current()
	if err != nil {
		return nil, err
	}
	if found := set.Find(h); len(found) > 0 {
		return found, nil
	}
	if err := wait(ctx, k.fetchUnknown()); err != nil {
		return nil, err
	}
	if set, err = k.current(); err != nil {
		return nil, err
	}
	if found := set.Find(h); len(found) > 0 {
		return found, nil
	}
	return nil, jose.ErrNoKey
}

// refresh starts a fetch where one is due, a quarter of the lifetime ahead of its end.
// It returns the fetch to wait for, or nil where there is none or the keys do until then.
func (k *keySource) refresh() <-chan struct{} {
	k.mu.Lock()
	defer k.mu.Unlock()
	age := k.now().Sub(k.fetched)
	if k.set != nil && age < k.lifetime*3/4 {
		return nil
	}
	running := k.start()
	if k.set != nil && age <= keepFor && (age < k.lifetime || !k.failed.IsZero()) {
		return nil
	}
	return running
}

// fetchUnknown fetches for a token that names a key which is not known, seldom: anybody
// can make such a token.
func (k *keySource) fetchUnknown() <-chan struct{} {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.running == nil {
		now := k.now()
		if !k.unknown.IsZero() && now.Sub(k.unknown) < unknownGap {
			return nil
		}
		k.unknown = now
	}
	return k.start()
}

// start starts a fetch and returns the channel that is closed at its end, also that of
// the one that is under way. It is nil after a failure that was a moment ago. The caller
// holds mu.
func (k *keySource) start() chan struct{} {
	if k.running != nil {
		return k.running
	}
	if !k.failed.IsZero() && k.now().Sub(k.failed) < retryGap {
		return nil
	}
	return k.begin()
}

// begin begins a fetch where none is under way, and none after the verifier was closed.
// The caller holds mu.
func (k *keySource) begin() chan struct{} {
	if k.ctx.Err() != nil {
		return nil
	}
	done := make(chan struct{})
	k.running = done
	go func() {
		defer close(done)
		asked := k.now()
		set, lifetime, err := k.fetcher.fetch(k.ctx)
		k.mu.Lock()
		defer k.mu.Unlock()
		k.running = nil
		defer k.plan()
		if err != nil {
			k.failed = k.now()
			k.log.WarnContext(k.ctx, "keys not fetched", "error", err)
			return
		}
		k.set, k.lifetime, k.fetched, k.failed = set, lifetime, asked, time.Time{}
	}()
	return done
}

// plan has the keys fetched again when three quarters of their lifetime are over, or, where
// that has failed, an eighth of it later. The caller holds mu.
func (k *keySource) plan() {
	switch {
	case k.set == nil || k.ctx.Err() != nil:
	case k.next != nil:
		k.next.Reset(k.pause())
	default:
		k.next = time.AfterFunc(k.pause(), func() {
			k.mu.Lock()
			defer k.mu.Unlock()
			if k.running == nil {
				k.begin()
			}
		})
	}
}

func (k *keySource) pause() time.Duration {
	if k.failed.IsZero() {
		return k.lifetime * 3 / 4
	}
	return k.lifetime / 8
}

// close waits for the fetch that is under way, which ends with the context.
func (k *keySource) close() {
	k.mu.Lock()
	if k.next != nil {
		k.next.Stop()
	}
	running := k.running
	k.mu.Unlock()
	if running != nil {
		<-running
	}
}

func (k *keySource) current() (jose.KeySet, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.set == nil || k.now().Sub(k.fetched) > keepFor {
		return nil, fmt.Errorf("%w: the keys of the issuer could not be fetched", ErrUnavailable)
	}
	return k.set, nil
}

func wait(ctx context.Context, done <-chan struct{}) error {
	if done == nil {
		return nil
	}
	select {
	case <-done:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("%w: %w", ErrUnavailable, context.Cause(ctx))
	}
}
