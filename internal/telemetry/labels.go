package telemetry

import (
	"slices"
	"sync"
)

// other is the value of a label for all values outside its set.
const other = "other"

// labelSet is the set of values that a label takes. A value from a request, such as an
// unknown grant type, must never make a time series of its own.
type labelSet []string

func (c labelSet) value(v string) string {
	if slices.Contains(c, v) {
		return v
	}
	return other
}

// Outcomes of requests that were not refused.
const (
	Issued   = "issued"   // of a token request
	Active   = "active"   // of an introspection
	Inactive = "inactive" // of an introspection
	Revoked  = "revoked"  // of a revocation
	Ignored  = "ignored"  // of a revocation: the token was not of this server, or had ended already
)

// outcome is the label of an outcome: one of those of success, or an error code.
func (c labelSet) outcome(outcome string, success ...string) string {
	if slices.Contains(success, outcome) {
		return outcome
	}
	return c.value(outcome)
}

// storeErrors are the ways in which the database fails.
func storeErrors() labelSet { return labelSet{"unavailable", "timeout", other} }

// keyStates are the states of a signing key that is listed.
func keyStates() labelSet { return labelSet{"pending", "active", "retired"} }

// statusClass turns a status into "2xx", "3xx" and so on.
func statusClass(status int) string {
	switch status / 100 {
	case 1:
		return "1xx"
	case 2:
		return "2xx"
	case 3:
		return "3xx"
	case 4:
		return "4xx"
	case 5:
		return "5xx"
	}
	return other
}

// maxReasons bounds the number of reasons.
const maxReasons = 200

// slugs is the set of a label whose values are slugs in the code, such as "refresh_reused", too
// many to list twice: it takes the first [maxReasons] that have the form of a slug.
type slugs struct {
	mu   sync.Mutex
	seen map[string]bool
}

func (s *slugs) value(v string) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.seen[v]:
		return v
	case len(s.seen) >= maxReasons || !slug(v):
		return other
	}
	s.seen[v] = true
	return v
}

func slug(v string) bool {
	if v == "" || len(v) > 48 {
		return false
	}
	for i := range len(v) {
		if c := v[i]; (c < 'a' || c > 'z') && (c < '0' || c > '9') && c != '_' {
			return false
		}
	}
	return true
}
