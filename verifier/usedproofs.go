package verifier

import (
	"errors"
	"fmt"
	"hash/maphash"
	"sync"
	"time"
)

var errUsed = errors.New("the proof was used before")

// usedProofs remembers the DPoP proofs that were used, each until it is too old to be
// good. Their number is bounded, and none is forgotten early: it would be good again. So
// a proof is refused where the memory has no place for it, and places are shared out so
// that no holder of a token takes those of the others. Of the places that are left,
//
//   - one key may have used as many as the part of all places that they are: half of them
//     where half is left, a tenth where a tenth is left,
//   - one subject, whatever keys it has, four times as many,
//   - one client, whatever subjects it has, sixteen times as many.
//
// A key alone gets 38 % of all places, a subject 61 %, a client 78 %. A number n of greedy
// keys leaves about one nth, so that it takes hundreds of them until one that comes next
// finds no place.
type usedProofs struct {
	limit int
	slice time.Duration // a slot has the proofs that become too old within one
	seed  maphash.Seed

	mu    sync.Mutex
	first int64 // slots before it were forgotten
	slots map[int64]*slot
}

// slot is forgotten as a whole, so that forgetting costs nothing.
type slot struct {
	ids    map[[32]byte]struct{}
	counts map[uint64]int // of its proofs by a hash of whose they are; two that meet share their places
}

// holder is whose a proof is.
type holder struct{ client, subject, key string }

// slotsPerLife is into how many slots the proofs are divided that are good at a moment.
const slotsPerLife = 8

// newUsedProofs makes a memory of so many proofs, which are good for no longer than life.
func newUsedProofs(life time.Duration, limit int) *usedProofs {
	return &usedProofs{
		limit: limit, slice: max(life/slotsPerLife, time.Second),
		seed: maphash.MakeSeed(), slots: map[int64]*slot{},
	}
}

// add remembers a proof that is good until then. It answers errUsed where it does already,
// and [ErrUnavailable] where there is no place.
func (u *usedProofs) add(id [32]byte, by holder, until, now time.Time) error {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.forget(now)
	at := u.slotOf(until)
	if at < u.first { // the clock went back: what was used then is not known any more
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

// forget lets go of the proofs that are too old by now.
func (u *usedProofs) forget(now time.Time) {
	u.first = max(u.first, u.slotOf(now))
	for at := range u.slots {
		if at < u.first {
			delete(u.slots, at)
		}
	}
}

func (u *usedProofs) slotOf(at time.Time) int64 { return at.UnixNano() / int64(u.slice) }

// share is one of whose proofs the number is bounded.
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
