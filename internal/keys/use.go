package keys

import (
	"context"
	"fmt"
	"time"

	"authserver/internal/store"
)

// note records that the key signs, to the minute. It writes at most once a minute, so that signers
// on many cores do not compete for the same memory.
func (p *pair) note(now time.Time) {
	minute := now.Truncate(time.Minute).Unix()
	if p.used.Load() < minute {
		p.used.Store(minute)
	}
}

// FlushUse writes when each key signed last, if that is later than the moment in the database. Call
// it about once a minute and when the server stops.
func (m *Manager) FlushUse(ctx context.Context) error {
	s := m.current.Load()
	if s == nil {
		return nil
	}
	uses := make(map[string]store.Moment)
	for kid, e := range s.byKID {
		if e.pair == nil {
			continue
		}
		if used := e.pair.used.Load(); used > e.pair.recorded.Load() {
			uses[kid] = time.Unix(used, 0).UTC()
		}
	}
	if len(uses) == 0 {
		return nil
	}
	if err := m.Store.RecordKeyUse(ctx, uses); err != nil {
		return fmt.Errorf("record when the signing keys were used: %w", err)
	}
	for kid, used := range uses {
		s.byKID[kid].pair.recorded.Store(used.Unix())
	}
	return nil
}
