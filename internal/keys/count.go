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
		counts[string(StateAt(row, now))]++
	}
	return counts
}
