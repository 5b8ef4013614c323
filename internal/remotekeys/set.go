package remotekeys

import (
	"cmp"
	"errors"
	"sync"
	"time"

	"authserver/internal/jose"
)

// How long a set is good, and how soon it may be asked for again.
const (
	staleMost = 24 * time.Hour   // while its publisher is down
	cooldown  = 30 * time.Second // between fetches for a kid that is not there
	failFirst = time.Second      // after a fetch that failed
	failLast  = time.Minute      // what that doubles to, where [Sets.Patience] says nothing
	failWait  = time.Second      // for which a fetch is waited for after one that failed
)

// set is a key set as it was fetched last, and what became of the last fetch.
type set struct {
	patience time.Duration

	mu      sync.Mutex
	keys    jose.KeySet
	fetched time.Time // when keys were asked for that came; zero: never
	fresh   time.Duration
	tried   time.Time     // when a fetch ended last
	pause   time.Duration // from then until the next may begin
	fault   error         // of that fetch
	missed  time.Time     // when one was begun last for a key that was not there
	running chan struct{} // closed when the fetch that is under way has ended; nil: none is
	used    time.Time

	found located // for the fetch that is under way alone
}

// ask returns the keys at hand that fit the header, and the fetch to wait for, longest at
// most; nil: what is at hand is all there is to go by.
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

// answer is what there is to say when there is nothing more to wait for. Where the last
// fetch failed a key that is not there may be one that could not be fetched yet: that
// is an error, and no refusal.
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

// find returns the keys that fit the header, where they are good still.
func (k *set) find(now time.Time, h jose.Header) []jose.Key {
	if !k.good(now) {
		return nil
	}
	return k.keys.Find(h)
}

func (k *set) good(now time.Time) bool {
	return !k.fetched.IsZero() && now.Sub(k.fetched) <= staleMost
}

// due reports whether it is time to fetch the set: three quarters through the time for
// which it is fresh.
func (k *set) due(now time.Time) bool {
	return k.fetched.IsZero() || now.Sub(k.fetched) >= k.fresh*3/4
}

// start begins a fetch where one may begin, and returns what is closed when it, or
// the one that is under way, has ended; nil where there is none.
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

// startMissed is start for a key that is not there.
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

// end takes in what became of the fetch that was under way. What failed leaves the last
// good set.
func (k *set) end(asked, now time.Time, keys jose.KeySet, fresh time.Duration, fault error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.tried, k.fault = now, fault
	if fault == nil {
		k.keys, k.fetched, k.fresh, k.pause = keys, asked, fresh, 0
	} else {
		k.pause = min(max(2*k.pause, failFirst), cmp.Or(k.patience, failLast))
	}
	close(k.running)
	k.running = nil
}

// refresh starts a fetch in the background where one is due, and returns what is closed
// when it has ended; nil where there is none. After one that failed an eighth of the time
// for which the set is fresh goes by: two more come before it is over.
func (k *set) refresh(now time.Time, fetch func()) <-chan struct{} {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.fetched.IsZero() || !k.due(now) || k.fault != nil && now.Sub(k.tried) < k.fresh/8 {
		return nil
	}
	return k.start(now, fetch)
}

// idle reports whether no token has asked for the set for so long; 0: it never is.
func (k *set) idle(now time.Time, long time.Duration) bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	return long > 0 && k.running == nil && now.Sub(k.used) > long
}

// settle waits for the fetch that is under way.
func (k *set) settle() {
	k.mu.Lock()
	running := k.running
	k.mu.Unlock()
	if running != nil {
		<-running
	}
}
