package keys

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"authserver/internal/store"
)

// Rotate lets the next key of each named algorithm, or of all, sign as soon as it may: a pending
// key as soon as it has been published for [Timeline.Lead], a new key Lead from now. The key after
// that is published at once, so that the rotation shows in the JWKS immediately, and the next
// rotation need not wait either. It returns the planned events.
//
// Running servers follow from the database. A server that cannot reach the database does not learn
// of the rotation and continues with the old key, whose tokens are valid until that key is removed.
func (m *Manager) Rotate(ctx context.Context, by store.Change, algs ...string) ([]Event, error) {
	return m.rotate(ctx, by, Timeline.Earliest, algs)
}

// RotateNow is Rotate with a next key that signs at once, although verifiers may not know it:
// [Manager.Unseen] says until when.
func (m *Manager) RotateNow(ctx context.Context, by store.Change, algs ...string) ([]Event, error) {
	return m.rotate(ctx, by, func(t Timeline, _, now store.Moment) Handover { return t.handover(now, now) }, algs)
}

func (m *Manager) rotate(ctx context.Context, by store.Change, when func(t Timeline, publishedAt, now store.Moment) Handover, algs []string) ([]Event, error) {
	m.planning.Lock()
	defer m.planning.Unlock()
	var kids []string
	rows, err := m.change(ctx, by, func(d *draft) error {
		rotated, err := inUse(d.keys, algs)
		if err != nil {
			return err
		}
		kids = kids[:0]
		for _, alg := range rotated {
			kid, err := m.bringForward(d, alg, when)
			if err != nil {
				return err
			}
			kids = append(kids, kid)
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("rotate the signing keys: %w", err)
	}
	var events []Event
	for _, kid := range kids {
		events = append(events, takeover(rows, kid)...)
	}
	sortEvents(events)
	return events, nil
}

// inUse returns the named algorithms, or all that have keys. A named algorithm is in use from then
// on.
func inUse(rows []store.SigningKey, algs []string) ([]string, error) {
	existing := algorithmsOf(rows)
	if len(existing) == 0 {
		return nil, errors.New("there is no signing key yet: a server makes the first ones when it starts")
	}
	for _, alg := range algs {
		if able := slices.Concat(Algorithms(), EncryptionAlgorithms()); !slices.Contains(able, alg) {
			return nil, fmt.Errorf("the algorithm %q is not known: choose from %s", alg, strings.Join(able, ", "))
		}
	}
	if len(algs) == 0 {
		return existing, nil
	}
	return algs, nil
}

// bringForward makes the successor, or brings it forward, gives it a successor of its own if it has
// none, and returns its kid.
func (m *Manager) bringForward(d *draft, alg string, when func(t Timeline, publishedAt, now store.Moment) Handover) (string, error) {
	keys := chainOf(d.keys, alg)
	if len(keys) == 0 {
		return d.first(alg).KID, nil
	}
	next, waits := keys.in(Pending, d.now)
	if waits {
		if _, err := openKey(m.Sealer, m.Source, next); err != nil {
			return "", fmt.Errorf("the next %s key could not sign: %w", alg, err)
		}
		if h := when(d.timeline, next.PublishedAt, d.now); h.At.Before(next.ActiveAt) {
			next = d.takeOver(next, h)
		}
	} else {
		before, ok := keys.last()
		if !ok {
			return "", fmt.Errorf("there is no %s key that could be followed: %w", alg, store.ErrNotFound)
		}
		var made bool
		if next, made = d.succeed(before, when(d.timeline, d.now, d.now)); !made {
			return "", nil
		}
	}
	if _, followed := successor(d.keys, next.KID); !followed {
		d.succeed(next, d.timeline.Regular(next, d.now, d.now))
	}
	return next.KID, nil
}

// Unseen is a key that would sign before every verifier can know it.
type Unseen struct {
	KID       string // "" for a key that is not made yet
	Alg       string
	SeenByAll time.Time // when no verifier has a key set without it
}

// Unseen returns the next keys of the named algorithms, or of all, that verifiers may not know yet.
// Until SeenByAll, a verifier that caches the key set refuses their tokens, unless it fetches the
// set again for an unknown kid.
func (m *Manager) Unseen(ctx context.Context, algs ...string) ([]Unseen, error) {
	d, err := m.draft(ctx, nil)
	if err != nil {
		return nil, err
	}
	if algs, err = inUse(d.keys, algs); err != nil {
		return nil, err
	}
	var unseen []Unseen
	for _, alg := range algs {
		u := Unseen{Alg: alg, SeenByAll: d.now.Add(d.timeline.Lead())}
		if next, waits := chainOf(d.keys, alg).in(Pending, d.now); waits {
			u.KID, u.SeenByAll = next.KID, next.PublishedAt.Add(d.timeline.Lead())
		}
		if d.now.Before(u.SeenByAll) {
			unseen = append(unseen, u)
		}
	}
	return unseen, nil
}
