package keys

import (
	"bytes"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"authserver/internal/store"
)

// snapshot is one reading of the keys. It does not change, but what follows from
// it changes with the clock.
type snapshot struct {
	rows  []store.SigningKey
	byKID map[string]entry
	byAlg map[string][]entry        // in the order in which they sign
	jwks  atomic.Pointer[published] // as it was when somebody asked last
}

// entry is a row and its key pair, or the reason why it could not be opened.
type entry struct {
	row   store.SigningKey
	pair  *pair
	fault error
}

// takeSnapshot opens the rows, save those that the snapshot before knows.
func takeSnapshot(sealer *Sealer, rows []store.SigningKey, before *snapshot) *snapshot {
	s := &snapshot{rows: rows, byKID: make(map[string]entry, len(rows)), byAlg: make(map[string][]entry)}
	for _, row := range rows {
		e, known := before.known(row)
		if !known {
			e.pair, e.fault = openKey(sealer, row)
		}
		e.row = row
		s.byKID[row.KID] = e
		s.byAlg[row.Alg] = append(s.byAlg[row.Alg], e)
	}
	return s
}

// known returns the entry of a row that differs in its moments at most.
func (s *snapshot) known(row store.SigningKey) (entry, bool) {
	if s == nil {
		return entry{}, false
	}
	e, ok := s.byKID[row.KID]
	if !ok || e.row.Alg != row.Alg || !bytes.Equal(e.row.Sealed, row.Sealed) {
		return entry{}, false
	}
	return e, true
}

// faults returns why rows cannot be used, leaving out what was known before.
func (s *snapshot) faults(before *snapshot) []error {
	var faults []error
	for _, row := range s.rows {
		if _, known := before.known(row); known {
			continue
		}
		if fault := s.byKID[row.KID].fault; fault != nil {
			faults = append(faults, fault)
		}
	}
	return faults
}

// signer returns the key pair that signs at the moment.
func (s *snapshot) signer(alg string, now time.Time) (*pair, error) {
	for _, e := range s.byAlg[alg] {
		if StateAt(e.row, now) != Active {
			continue
		}
		if e.fault != nil {
			return nil, fmt.Errorf("the active %s key cannot be used: %w", alg, e.fault)
		}
		return e.pair, nil
	}
	return nil, fmt.Errorf("no %s key is active: see `authserver key list`", alg)
}

// ready returns nil where every algorithm has a key pair that signs at the moment.
func (s *snapshot) ready(algs []string, now time.Time) error {
	var faults []error
	for _, alg := range algs {
		if _, err := s.signer(alg, now); err != nil {
			faults = append(faults, err)
		}
	}
	return errors.Join(faults...)
}
