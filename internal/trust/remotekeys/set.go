package remotekeys

import (
	"cmp"
	"errors"
	"sync"
	"time"

	"authserver/internal/jose"
)

// How long a set is good, and how soon it may be fetched again.
const (
	maxStale  = 24 * time.Hour   // the longest age of a set in use while its publisher is down
	cooldown  = 30 * time.Second // the least time between two fetches for a kid that is missing
	failFirst = time.Second      // the pause after a failed fetch, which doubles
	failLast  = time.Minute      // the longest such pause, unless [Sets.MaxPause] is another
	failWait  = time.Second      // how long a request waits for the fetch after a failed one
)

// set is the key set that was fetched last, and the outcome of the last fetch.
type set struct {
	maxPause time.Duration

	mu      sync.Mutex
	keys    jose.KeySet
	fetched time.Time // when the fetch of keys began; zero: there was none yet
	fresh   time.Duration
	tried   time.Time     // when the last fetch ended
	pause   time.Duration // from tried until the next fetch may begin
	fault   error         // of the last fetch; nil: it succeeded
	missed  time.Time     // when the last fetch for a missing key began
	running chan struct{} // closed when the running fetch ends; nil: no fetch runs
	used    time.Time     // when a token last asked for the set

	found located // only the running fetch touches it
}

// ask returns the keys of the set that fit the header, and a fetch to wait for, with the
// longest time to wait; nil: there is nothing to wait for. It starts the fetch by calling
// fetch in a goroutine.
func (k *set) ask(now time.Time, h jose.Header, fetch func()) (found []jose.Key, running <-chan struct{}, longest time.Duration) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.used = now
	found = k.find(now, h)
	age := now.Sub(k.fetched)
	due := k.due(now)
	switch {
	case len(found) > 0 && !due:
		return found, nil, 0
	case len(found) > 0 && age < k.fresh:
		k.start(now, fetch)
		return found, nil, 0
	case due:
		running = k.start(now, fetch)
	default:
		running = k.startMissed(now, fetch)
	}
	switch {
	case k.fault == nil:
		return found, running, 2 * fetchTimeout
	case len(found) > 0:
		return found, nil, 0
	}
	return nil, running, failWait
}

// answer returns the keys that fit the header when there is nothing to wait for. If the last fetch
// failed, a missing key may be a new one: then answer returns an error, so that the server does not
// refuse the token because of the failed fetch.
func (k *set) answer(now time.Time, h jose.Header) ([]jose.Key, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	found := k.find(now, h)
	switch {
	case len(found) > 0:
		return found, nil
	case k.fault != nil:
		return nil, k.fault
	case !k.good(now):
		return nil, errors.New("the keys of the issuer are not fetched yet")
	}
	return nil, nil
}

// find returns the keys that fit the header, none if the set is too old.
func (k *set) find(now time.Time, h jose.Header) []jose.Key {
	if !k.good(now) {
		return nil
	}
	return k.keys.Find(h)
}

func (k *set) good(now time.Time) bool {
	return !k.fetched.IsZero() && now.Sub(k.fetched) <= maxStale
}

// due reports whether three quarters of the time for which the set is fresh are over, so that it
// must be fetched again.
func (k *set) due(now time.Time) bool {
	return k.fetched.IsZero() || now.Sub(k.fetched) >= k.fresh*3/4
}

// start begins a fetch unless one runs or the pause is not over. It returns the channel that
// closes when the running fetch ends; nil: no fetch runs.
func (k *set) start(now time.Time, fetch func()) <-chan struct{} {
	if k.running == nil {
		if !k.tried.IsZero() && now.Sub(k.tried) < k.pause {
			return nil
		}
		k.running = make(chan struct{})
		go fetch()
	}
	return k.running
}

// startMissed is start for a missing key: it begins no fetch within the cooldown.
func (k *set) startMissed(now time.Time, fetch func()) <-chan struct{} {
	if k.running != nil {
		return k.running
	}
	if !k.missed.IsZero() && now.Sub(k.missed) < cooldown {
		return nil
	}
	running := k.start(now, fetch)
	if running != nil {
		k.missed = now
	}
	return running
}

// end records the outcome of the running fetch. A failed one leaves the last good set.
func (k *set) end(asked, now time.Time, keys jose.KeySet, fresh time.Duration, fault error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.tried, k.fault = now, fault
	if fault == nil {
		k.keys, k.fetched, k.fresh, k.pause = keys, asked, fresh, 0
	} else {
		k.pause = min(max(2*k.pause, failFirst), cmp.Or(k.maxPause, failLast))
	}
	close(k.running)
	k.running = nil
}

// refresh starts a fetch if one is due, and returns the channel that closes when it ends;
// nil: none was started. After a failed fetch it waits for an eighth of the time for which
// the set is fresh, so that it tries twice more before the set is stale.
func (k *set) refresh(now time.Time, fetch func()) <-chan struct{} {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.fetched.IsZero() || !k.due(now) || k.fault != nil && now.Sub(k.tried) < k.fresh/8 {
		return nil
	}
	return k.start(now, fetch)
}

// idle reports whether no token has asked for the set for that long; 0: it never is.
func (k *set) idle(now time.Time, long time.Duration) bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	return long > 0 && k.running == nil && now.Sub(k.used) > long
}

// settle waits until the running fetch has ended.
func (k *set) settle() {
	k.mu.Lock()
	running := k.running
	k.mu.Unlock()
	if running != nil {
		<-running
	}
}
