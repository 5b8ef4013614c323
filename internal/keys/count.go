package keys

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
