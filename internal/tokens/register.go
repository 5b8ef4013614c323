package tokens

import (
	"bytes"
	"encoding/binary"
	"hash/maphash"
	"slices"
	"time"

	"authserver/internal/store"
)

// shelves bounds how many entries one moves where it is put: of a million some
// sixty are on a shelf.
const (
	shelves   = 1 << shelfBits
	shelfBits = 14
)

// register holds revocations in 28 bytes each, and an eighth more at most for
// those to come. It keeps of a name a hash under seeds that nobody knows, long
// enough that no two names meet, and of moments what an [ID] has of them.
type register struct {
	seeds   [2]maphash.Seed
	shelves [][]mark // by the first bits of the hash, each in the order of the hashes; nil: nothing was ever held
	count   int
}

type mark struct {
	name    [16]byte
	before  [idMoment]byte
	expires [idMoment]byte
}

func (r *register) hash(k viewKey) (name [16]byte) {
	for i, seed := range r.seeds {
		binary.BigEndian.PutUint64(name[8*i:], maphash.Comparable(seed, k))
	}
	return name
}

func shelfOf(name [16]byte) int { return int(binary.BigEndian.Uint32(name[:]) >> (32 - shelfBits)) }

// find looks where a name is, or belongs. Hashes are spread evenly, so that the
// bits behind those of the shelf tell nearly where on it: a walk of a few entries
// in one place of the memory, where halving would jump.
func find(shelf []mark, name [16]byte) (at int, held bool) {
	const positionBits = 16
	position := binary.BigEndian.Uint32(name[:]) << shelfBits >> (32 - positionBits)
	at = len(shelf) * int(position) >> positionBits
	for at > 0 && bytes.Compare(shelf[at-1].name[:], name[:]) >= 0 {
		at--
	}
	for at < len(shelf) && bytes.Compare(shelf[at].name[:], name[:]) < 0 {
		at++
	}
	return at, at < len(shelf) && shelf[at].name == name
}

// add takes a revocation in, or lets the one that is held grow.
func (r *register) add(revoked store.Revocation) {
	if r.shelves == nil {
		r.shelves = make([][]mark, shelves)
		r.seeds = [2]maphash.Seed{maphash.MakeSeed(), maphash.MakeSeed()}
	}
	m := mark{name: r.hash(viewKey{revoked.Kind, revoked.Value})}
	appendMoment(m.before[:0], milliseconds(revoked.Before))
	appendMoment(m.expires[:0], milliseconds(revoked.ExpiresAt.Add(time.Millisecond-1))) // never forgotten too early
	shelf := &r.shelves[shelfOf(m.name)]
	at, held := find(*shelf, m.name)
	if held {
		old := &(*shelf)[at]
		old.before, old.expires = later(old.before, m.before), later(old.expires, m.expires)
		return
	}
	if len(*shelf) == cap(*shelf) { // append would double it
		*shelf = roomier(*shelf, len(*shelf)/8+2)
	}
	*shelf = slices.Insert(*shelf, at, m)
	r.count++
}

func later(a, b [idMoment]byte) [idMoment]byte {
	if bytes.Compare(a[:], b[:]) < 0 {
		return b
	}
	return a
}

// roomier copies a shelf to where more fit, which takes no more than it has to.
func roomier(shelf []mark, more int) []mark {
	return append(slices.Grow([]mark(nil), len(shelf)+more), shelf...)
}

// before returns what is void of a name: what was issued under an earlier
// NotBefore, in milliseconds since the epoch.
func (r *register) before(k viewKey) (milliseconds int64, held bool) {
	if r.count == 0 {
		return 0, false
	}
	name := r.hash(k)
	shelf := r.shelves[shelfOf(name)]
	at, held := find(shelf, name)
	if !held {
		return 0, false
	}
	return momentOf(shelf[at].before[:]), true
}

// forget drops what has expired from one shelf.
func (r *register) forget(i int, now time.Time) {
	if r.shelves == nil {
		return
	}
	shelf, moment := &r.shelves[i], milliseconds(now)
	n := len(*shelf)
	*shelf = slices.DeleteFunc(*shelf, func(m mark) bool { return momentOf(m.expires[:]) <= moment })
	r.count -= n - len(*shelf)
	if len(*shelf) < cap(*shelf)/2 {
		*shelf = roomier(*shelf, 0)
	}
}
