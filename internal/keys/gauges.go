package keys

import "time"

// CountByState returns the number of keys in memory for each state in the list, for a gauge.
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

// Age returns how long the active key of an algorithm has been signing; false if no key signs.
func (m *Manager) Age(alg string) (time.Duration, bool) {
	s := m.current.Load()
	if s == nil {
		return 0, false
	}
	now := m.Now()
	active, ok := chainOf(s.rows, alg).in(Active, now)
	return now.Sub(active.ActiveAt), ok
}

// UntilNext returns the time until a key of the algorithm is published, begins to sign, stops
// signing or is removed; false if nothing is planned.
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
