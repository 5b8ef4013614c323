package tokens

import (
	"encoding/binary"
	"hash/maphash"
	"maps"
	"time"

	"authserver/internal/store"
)

// segments bounds how many entries are looked at in one go.
const segments = 256

// revocationSet holds revocations in some 45 to 70 bytes each. It keeps a hash of each name,
// under seeds that never leave the process and long enough that no two names collide, and
// moments with the precision of an [ID].
type revocationSet struct {
	seeds    [2]maphash.Seed
	segments [segments]map[hash]revokedUntil // by the first byte of the hash; nil: nothing was ever held
	count    int
}

type hash [16]byte

type revokedUntil struct{ before, expires moment }

// moment is in milliseconds since the epoch, as in an [ID]: eight bytes would take twelve
// more of each entry.
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

// add adds a revocation, or extends the one that is held.
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

// before returns what is void of a name: what was issued under an earlier
// NotBefore, in milliseconds since the epoch.
func (r *revocationSet) before(k viewKey) (milliseconds int64, held bool) {
	if r.count == 0 {
		return 0, false
	}
	name := r.hash(k)
	m, held := r.segments[name[0]][name]
	return m.before.milliseconds(), held
}

// forget drops what has expired from one segment.
func (r *revocationSet) forget(i int, now time.Time) {
	segment := r.segments[i]
	had, moment := len(segment), milliseconds(now)
	maps.DeleteFunc(segment, func(_ hash, m revokedUntil) bool { return m.expires.milliseconds() <= moment })
	r.count -= had - len(segment)
	if len(segment) < had/2 { // a map gives back nothing by itself
		smaller := make(map[hash]revokedUntil, len(segment))
		maps.Copy(smaller, segment)
		r.segments[i] = smaller
	}
}
