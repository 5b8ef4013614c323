package verifier

import (
	"errors"
	"fmt"
	"hash/maphash"
	"sync"
	"time"
)

var errUsed = errors.New("the proof was used before")

// usedProofs remembers used DPoP proofs, each until it is too old. The number of places is
// limited, and no proof is forgotten early, because it would be good again. A proof without a
// place is refused. So that one holder of a token cannot take the places of the others, its
// share depends on the free places. If f of all places are free (a fraction),
//
//   - one key may have used f² of all places,
//   - one subject, with all of its keys, 4 f²,
//   - one client, with all of its subjects, 16 f².
//
// A single key gets 38 % of all places, a single subject 61 %, a single client 78 %. After n
// greedy keys about 1/n is free, so hundreds of them are needed before the next key finds
// no place.
type usedProofs struct {
	limit int
	slice time.Duration // a slot has the proofs that become too old within one
	seed  maphash.Seed

	mu    sync.Mutex
	first int64 // earlier slots were forgotten
	slots map[int64]*slot
}

// slot is forgotten as a whole, which costs nothing.
type slot struct {
	ids    map[[32]byte]struct{}
	counts map[uint64]int // the number of proofs of a key, subject or client, by its hash
}

// holder is the holder of the token that came with a proof.
type holder struct{ client, subject, key string }

// slotsPerLife is the number of slots for the proofs that are good at one moment.
const slotsPerLife = 8

// newUsedProofs returns a memory with limit places for proofs that are good for life at most.
func newUsedProofs(life time.Duration, limit int) *usedProofs {
	return &usedProofs{
		limit: limit, slice: max(life/slotsPerLife, time.Second),
		seed: maphash.MakeSeed(), slots: map[int64]*slot{},
	}
}

// add remembers a proof that is valid until a moment. It returns errUsed if the proof was used
// before, and an error that wraps [ErrUnavailable] if there is no place for it.
func (u *usedProofs) add(id [32]byte, by holder, until, now time.Time) error {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.forget(now)
	at := u.slotOf(until)
	if at < u.first { // the clock went back, and the proofs of that time are forgotten
		return errUsed
	}
	shares := u.sharesOf(by)
	left, taken := u.limit, [len(shares)]int{}
	for _, s := range u.slots {
		if _, used := s.ids[id]; used {
			return errUsed
		}
		left -= len(s.ids)
		for i, share := range shares {
			taken[i] += s.counts[share.hash]
		}
	}
	free := float64(left)
	for i, share := range shares {
		if float64(taken[i]) >= share.times*free*free/float64(u.limit) {
			return fmt.Errorf("%w: too many DPoP proofs of its %s are remembered", ErrUnavailable, share.of)
		}
	}
	u.put(at, id, shares)
	return nil
}

func (u *usedProofs) put(at int64, id [32]byte, shares [3]share) {
	s := u.slots[at]
	if s == nil {
		s = &slot{ids: map[[32]byte]struct{}{}, counts: map[uint64]int{}}
		u.slots[at] = s
	}
	s.ids[id] = struct{}{}
	for _, share := range shares {
		s.counts[share.hash]++
	}
}

// forget removes the proofs that are too old.
func (u *usedProofs) forget(now time.Time) {
	u.first = max(u.first, u.slotOf(now))
	for at := range u.slots {
		if at < u.first {
			delete(u.slots, at)
		}
	}
}

func (u *usedProofs) slotOf(at time.Time) int64 { return at.UnixNano() / int64(u.slice) }

// share is a key, a subject or a client, whose proofs are limited to times f² of all places.
type share struct {
	of    string
	hash  uint64
	times float64
}

func (u *usedProofs) sharesOf(by holder) [3]share {
	hash := func(parts ...string) uint64 {
		var h maphash.Hash
		h.SetSeed(u.seed)
		for _, part := range parts {
			maphash.WriteComparable(&h, part)
		}
		return h.Sum64()
	}
	return [3]share{
		{"key", hash("key", by.key), 1},
		{"subject", hash("subject", by.client, by.subject), 4},
		{"client", hash("client", by.client), 16},
	}
}
