package keys

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"sync/atomic"
	"time"

	"authserver/internal/keys/sealing"
	"authserver/internal/store"
)

// snapshot is one reading of the keys. The snapshot does not change, but the states of its keys
// change with the clock.
type snapshot struct {
	read  store.KeyPlan
	rows  []store.SigningKey // those that were read
	byKID map[string]entry
	byAlg map[string][]entry        // in the order in which they sign
	jwks  atomic.Pointer[published] // as for the last request
}

// entry is a row with its key pair, or the reason why the row cannot be opened. If both are set,
// the pair is from an earlier reading.
type entry struct {
	row   store.SigningKey
	pair  *pair
	fault error
}

// takeSnapshot opens the rows, except those that the snapshot before has opened. It tries a row
// that cannot be opened again in each reading, because the missing part may come: a data key, or
// the token with the key.
func takeSnapshot(sealer *sealing.Sealer, source Source, read store.KeyPlan, before *snapshot) *snapshot {
	s := &snapshot{read: read, rows: read.Keys, byKID: make(map[string]entry, len(read.Keys)), byAlg: make(map[string][]entry)}
	for _, row := range read.Keys {
		e, known := before.entryOf(row)
		if !known || e.fault != nil || !bytes.Equal(e.row.Sealed, row.Sealed) {
			var opened *pair
			if opened, e.fault = openKey(sealer, source, row); e.pair == nil {
				e.pair = opened
			}
		}
		e.row = row
		s.byKID[row.KID] = e
		s.byAlg[row.Alg] = append(s.byAlg[row.Alg], e)
	}
	return s
}

// entryOf returns the entry of a key. The kid is the thumbprint of the key, so a pair with this kid
// stays valid whatever happens to the row: resealed, damaged or tampered with.
func (s *snapshot) entryOf(row store.SigningKey) (entry, bool) {
	if s == nil {
		return entry{}, false
	}
	e, ok := s.byKID[row.KID]
	if !ok || e.row.Alg != row.Alg {
		return entry{}, false
	}
	return e, true
}

// faults returns why rows cannot be opened, except for the faults of the snapshot before.
func (s *snapshot) faults(before *snapshot) []error {
	var faults []error
	for _, row := range s.rows {
		fault := s.byKID[row.KID].fault
		if e, known := before.entryOf(row); fault != nil && (!known || e.fault == nil) {
			faults = append(faults, fault)
		}
	}
	return faults
}

// takenOut returns the keys that should still be published and are not there: they were revoked.
func (s *snapshot) takenOut(before *snapshot, now time.Time) []store.SigningKey {
	if before == nil {
		return nil
	}
	var gone []store.SigningKey
	for _, row := range before.rows {
		if _, there := s.byKID[row.KID]; !there && StateAt(row, now) != Removed {
			gone = append(gone, row)
		}
	}
	return gone
}

// signer returns the key pair that signs at the moment.
func (s *snapshot) signer(alg string, now time.Time) (*pair, error) {
	for _, e := range s.byAlg[alg] {
		if StateAt(e.row, now) != Active {
			continue
		}
		if e.pair == nil {
			return nil, fmt.Errorf("the active %s key cannot be used: %w", alg, e.fault)
		}
		return e.pair, nil
	}
	if first, waits := chainOf(s.rows, alg).in(Pending, now); waits && first.Predecessor == "" {
		return nil, &NotActiveError{Alg: alg, At: first.ActiveAt}
	}
	return nil, fmt.Errorf("no %s key is active: the list of the keys says why", alg)
}

// signerOf is signer for an algorithm for which a resource may have just been registered.
func (s *snapshot) signerOf(alg string, now time.Time) (*pair, error) {
	p, err := s.signer(alg, now)
	if err != nil && len(s.byAlg[alg]) == 0 && slices.Contains(Algorithms(), alg) {
		return nil, &NotActiveError{Alg: alg}
	}
	return p, err
}

// NotActiveError reports that no key of an algorithm is active yet: the first key waits until every
// verifier can know it.
type NotActiveError struct {
	Alg string
	At  time.Time // zero: no key exists yet
}

func (e *NotActiveError) Error() string {
	if e.At.IsZero() {
		return fmt.Sprintf("there is no %s key yet: a server is about to make one", e.Alg)
	}
	return fmt.Sprintf("the first %s key signs from %s on, when every verifier can know it", e.Alg, e.At.Format(time.RFC3339))
}

// ready returns nil if every algorithm has a key pair that signs at the moment. It ignores an
// algorithm whose first key some verifiers cannot know yet.
func (s *snapshot) ready(algs []string, now time.Time) error {
	var faults []error
	for _, alg := range algs {
		var notYet *NotActiveError
		if _, err := s.signer(alg, now); err != nil && !errors.As(err, &notYet) {
			faults = append(faults, err)
		}
	}
	return errors.Join(faults...)
}

// answer returns nil unless a key that signs at the moment is kept elsewhere and fails to sign.
func (s *snapshot) answer(now time.Time) error {
	var faults []error
	for alg := range s.byAlg {
		p, err := s.signer(alg, now)
		if err != nil {
			continue // ready decides whether that is a fault
		}
		if d, ok := p.private.(*remoteKey); ok {
			faults = append(faults, d.answers())
		}
	}
	return errors.Join(faults...)
}
