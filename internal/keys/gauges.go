package keys

import "time"

// CountByState returns how many of the keys in memory are in each state that is
// listed, for a gauge.
func (m *Manager) CountByState() map[string]int {
	counts := make(map[string]int)
	s := m.current.Load()
	if s == nil {
		return counts
	}
	now := m.Now()
	for _, row := range s.rows {
		if state := StateAt(row, now); state != Removed {
			counts[string(state)]++
		}
	}
	return counts
}

// Age is how long the key that signs with an algorithm has been doing so; false
// where none does.
func (m *Manager) Age(alg string) (time.Duration, bool) {
	s := m.current.Load()
	if s == nil {
		return 0, false
	}
	now := m.Now()
	active, ok := chainOf(s.rows, alg).in(Active, now)
	return now.Sub(active.ActiveAt), ok
}

// UntilNext is how long it takes until a key of the algorithm is published,
// signs, signs no longer or is removed; false where nothing is planned.
func (m *Manager) UntilNext(alg string) (time.Duration, bool) {
	s := m.current.Load()
	if s == nil {
		return 0, false
	}
	now := m.Now()
	var soonest time.Time
	for _, row := range chainOf(s.rows, alg) {
		for _, e := range eventsOf(row) {
			if e.At.After(now) && StateAt(row, now) != Removed && (soonest.IsZero() || e.At.Before(soonest)) {
				soonest = e.At
			}
		}
	}
	return soonest.Sub(now), !soonest.IsZero()
}
