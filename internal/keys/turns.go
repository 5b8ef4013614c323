package keys

import (
	"context"
	"fmt"
	"sync"
	"time"

	"authserver/internal/store"
)

// turnsFor is how long after its moment a turn is told of, where no server ran then.
const turnsFor = 24 * time.Hour

// turns remembers which turns of keys this process told the audit of.
type turns struct {
	mu   sync.Mutex
	told map[string]bool // by the Once of the event
}

// tellTurns tells the audit which keys began to sign, and which ended. They do by the clock,
// without a change of the store, so every server tells it, and the first one is recorded.
func (m *Manager) tellTurns(ctx context.Context) error {
	now := m.Now()
	for _, k := range m.current.Load().read.Keys {
		if err := m.tellTurn(ctx, now, store.KeyActivated, k, k.ActiveAt); err != nil {
			return err
		}
		if !k.RevokedAt.IsZero() {
			continue // which has an event of its own
		}
		if err := m.tellTurn(ctx, now, store.KeyRetired, k, k.RetiredAt); err != nil {
			return err
		}
	}
	return nil
}

func (m *Manager) tellTurn(ctx context.Context, now time.Time, what store.EventType, k store.SigningKey, at store.Moment) error {
	if !reached(at, now) || now.Sub(at) > turnsFor {
		return nil
	}
	once := string(what) + " " + k.KID
	m.turns.mu.Lock()
	defer m.turns.mu.Unlock()
	if m.turns.told[once] {
		return nil
	}
	err := m.Store.RecordEvent(ctx, store.Event{
		At: at, Type: what, Actor: m.Actor, Once: once, Details: store.EventDetails{ID: k.KID, Name: k.Alg},
	})
	if err != nil {
		return fmt.Errorf("tell the audit of key %s: %w", k.KID, err)
	}
	if m.turns.told == nil {
		m.turns.told = map[string]bool{}
	}
	m.turns.told[once] = true
	return nil
}

// own is a change that the timeline asks for.
func (m *Manager) own() store.Change {
	return store.Change{Actor: m.Actor, Event: store.KeyRescheduled}
}
