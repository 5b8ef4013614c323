package tokens

import (
	"encoding/binary"
	"hash/maphash"
	"maps"
	"time"

	"authserver/internal/store"
)

// segments divides the entries, so that one pass over a segment is short.
const segments = 256

// revocationSet stores revocations in 45 to 67 bytes each: a hash of each name, and moments
// with the precision of an [ID]. The seeds of the hash never leave the process, and the hash is so
// long that no two names collide.
type revocationSet struct {
	seeds    [2]maphash.Seed
	segments [segments]map[hash]revokedUntil // by the first byte of the hash; nil: nothing was added yet
	count    int
}

type hash [16]byte

type revokedUntil struct{ before, expires moment }

// moment is in milliseconds since the epoch, as in an [ID]: eight bytes would add twelve to each
// entry.
type moment [idMoment]byte

func momentAt(milliseconds int64) (m moment) {
	appendMoment(m[:0], milliseconds)
	return m
}

func (m moment) milliseconds() int64 { return momentOf(m[:]) }

func (r *revocationSet) hash(k viewKey) (name hash) {
	for i, seed := range r.seeds {
		binary.BigEndian.PutUint64(name[8*i:], maphash.Comparable(seed, k))
	}
	return name
}

// add adds a revocation, or extends an existing one.
func (r *revocationSet) add(revoked store.Revocation) {
	if r.count == 0 {
		r.seeds = [2]maphash.Seed{maphash.MakeSeed(), maphash.MakeSeed()}
	}
	name := r.hash(viewKey{revoked.Kind, revoked.Value})
	segment := &r.segments[name[0]]
	if *segment == nil {
		*segment = make(map[hash]revokedUntil)
	}
	old, held := (*segment)[name]
	if !held {
		r.count++
	}
	(*segment)[name] = revokedUntil{
		before:  momentAt(max(old.before.milliseconds(), milliseconds(revoked.Before))),
		expires: momentAt(max(old.expires.milliseconds(), milliseconds(revoked.ExpiresAt.Add(time.Millisecond-1)))), // never forgotten too early
	}
}

// before returns the moment of a name's revocation, in milliseconds since the epoch: tokens with an
// earlier NotBefore are revoked.
func (r *revocationSet) before(k viewKey) (milliseconds int64, held bool) {
	if r.count == 0 {
		return 0, false
	}
	name := r.hash(k)
	m, held := r.segments[name[0]][name]
	return m.before.milliseconds(), held
}

// forget drops the expired entries of one segment.
func (r *revocationSet) forget(i int, now time.Time) {
	segment := r.segments[i]
	had, moment := len(segment), milliseconds(now)
	maps.DeleteFunc(segment, func(_ hash, m revokedUntil) bool { return m.expires.milliseconds() <= moment })
	r.count -= had - len(segment)
	if len(segment) < had/2 { // a map does not shrink by itself
		smaller := make(map[hash]revokedUntil, len(segment))
		maps.Copy(smaller, segment)
		r.segments[i] = smaller
	}
}
