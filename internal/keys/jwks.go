package keys

import (
	"cmp"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"authserver/internal/store"
)

// Document is an encoded JWK Set (RFC 7517 §5).
type Document struct {
	Body []byte // must not be changed
	ETag string // strong (RFC 9110 §8.8.3), with its quotes
}

// published is a Document and the moment at which the clock changes it.
type published struct {
	Document
	until store.Moment // zero: not before the keys are read again
}

// JWKS returns the public halves of all keys that are published at this moment: active, pending and
// retired signing keys, and active encryption keys, in the order of [byPlace]. Every replica
// returns the same bytes for the same keys in the same states. It is never empty; before Load has
// succeeded it is the zero Document.
func (m *Manager) JWKS() Document {
	s := m.current.Load()
	if s == nil {
		return Document{}
	}
	now := m.Now()
	p := s.jwks.Load()
	if !reached(p.until, now) {
		return p.Document
	}
	next, err := s.publish(now)
	if err != nil {
		return p.Document // an extra key does less harm than a missing one
	}
	s.jwks.Store(next)
	return next.Document
}

// jwkOf is a member of the set.
type jwkOf struct {
	row   store.SigningKey
	state State
	jwk   json.RawMessage
}

// byPlace is the order of the set. Some readers always use the first key, or fail at the first key
// of an unexpected type, as python-jose does. So RSA keys, which nearly every reader expects, come
// before others, signing keys before encryption keys, and among those the active key before the
// next and the previous one.
func byPlace(a, b jwkOf) int {
	return cmp.Or(
		cmp.Compare(rank(a.row.Alg), rank(b.row.Alg)),
		cmp.Compare(slices.Index(orderOfStates(), a.state), slices.Index(orderOfStates(), b.state)),
		cmp.Compare(slices.Index(Algorithms(), a.row.Alg), slices.Index(Algorithms(), b.row.Alg)),
		cmp.Compare(a.row.KID, b.row.KID))
}

// rank is the position of a kind of key in the order of the set.
func rank(alg string) int {
	switch alg {
	case RS256, PS256:
		return 0
	case RSAOAEP256: // an RSA key too: a reader that tries it for a signature does no harm
		return 2
	case ECDHES:
		return 3
	}
	return 1
}

func orderOfStates() []State { return []State{Active, Pending, Retired} }

// publish encodes the set as it is at a moment. An empty set is an error.
func (s *snapshot) publish(now time.Time) (*published, error) {
	var p published
	var entries []jwkOf
	for _, row := range s.rows {
		e := s.byKID[row.KID]
		for _, moment := range []store.Moment{row.ActiveAt, row.RetiredAt} { // the order follows the states
			if moment.After(now) {
				p.change(moment)
			}
		}
		if e.pair == nil || !shown(row, now) {
			continue
		}
		jwk, certifiedUntil, err := certified(e.pair.private.Public(), e.pair.jwk, row.Certificates, now)
		if err != nil {
			jwk = e.pair.jwk // damaged certificates must not break verifiers
		}
		entries = append(entries, jwkOf{row, StateAt(row, now), jwk})
		p.change(row.RemovedAt)
		p.change(certifiedUntil)
	}
	if len(entries) == 0 {
		return nil, errors.New("no signing key is published: the list of the keys says why")
	}
	slices.SortFunc(entries, byPlace)
	set := struct {
		Keys []json.RawMessage `json:"keys"`
	}{}
	for _, e := range entries {
		set.Keys = append(set.Keys, e.jwk)
	}
	body, err := json.Marshal(set)
	if err != nil {
		return nil, fmt.Errorf("encode the JWKS: %w", err)
	}
	sum := sha256.Sum256(body)
	p.Document = Document{Body: body, ETag: `"` + base64.RawURLEncoding.EncodeToString(sum[:]) + `"`}
	return &p, nil
}

// change records that the document changes at a moment.
func (p *published) change(at store.Moment) {
	if !at.IsZero() && (p.until.IsZero() || at.Before(p.until)) {
		p.until = at
	}
}

// shown reports whether a key is in the set: a signing key while one of its tokens may be used, and
// an encryption key only while it is active. By then every server knows its successor. Until the
// key is removed, the servers can decrypt tokens on their way.
func shown(row store.SigningKey, now time.Time) bool {
	state := StateAt(row, now)
	return state == Active || state != Removed && !encrypts(row.Alg)
}
