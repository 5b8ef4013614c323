package keys

import (
	"context"
	"fmt"
	"sync"
	"time"

	"authserver/internal/events"
	"authserver/internal/store"
)

// transitionsFor is how long a transition may be recorded after its moment, if no server ran then.
const transitionsFor = 24 * time.Hour

// transitions contains the transitions of keys that this process has recorded in the audit.
type transitions struct {
	mu       sync.Mutex
	recorded map[string]bool // by the Once of the event
}

// recordTransitions records in the audit which keys began to sign and which stopped. The clock makes
// these transitions, without a change of the store, so every server records them, and the store
// keeps the first record.
func (m *Manager) recordTransitions(ctx context.Context) error {
	now := m.Now()
	for _, k := range m.current.Load().read.Keys {
		if err := m.recordTransition(ctx, now, store.KeyActivated, k, k.ActiveAt); err != nil {
			return err
		}
		if !k.RevokedAt.IsZero() {
			continue // a revocation has an event of its own
		}
		if err := m.recordTransition(ctx, now, store.KeyRetired, k, k.RetiredAt); err != nil {
			return err
		}
	}
	return nil
}

func (m *Manager) recordTransition(ctx context.Context, now time.Time, what store.EventType, k store.SigningKey, at store.Moment) error {
	if !reached(at, now) || now.Sub(at) > transitionsFor {
		return nil
	}
	e := events.KeyTransition(store.Change{Actor: m.Actor, Event: what, At: at}, k)
	m.transitions.mu.Lock()
	defer m.transitions.mu.Unlock()
	if m.transitions.recorded[e.Once] {
		return nil
	}
	if err := m.Store.RecordEvent(ctx, e); err != nil {
		return fmt.Errorf("record a transition of key %s: %w", k.KID, err)
	}
	if m.transitions.recorded == nil {
		m.transitions.recorded = map[string]bool{}
	}
	m.transitions.recorded[e.Once] = true
	return nil
}

// own is a change that the timeline causes.
func (m *Manager) own() store.Change {
	return store.Change{Actor: m.Actor, Event: store.KeyRescheduled}
}
