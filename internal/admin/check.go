package admin

import (
	"slices"
	"strings"
	"time"

	"authserver/internal/oauth"
	"authserver/internal/store"
)

// Bounds on registrations. All values that go into one token have to fit into
// [tokens.MaxAccessBytes].
const (
	maxText        = store.MaxLine // bytes of a name, a role or a permission
	maxListed      = 100           // values of one list
	maxClaimsBytes = 4 << 10       // custom claims of one noun, as JSON
)

// distinct returns the values in their order, each once. An empty list stays empty, and nil stays
// nil.
func distinct[T comparable](values []T) []T {
	if values == nil {
		return nil
	}
	once := make([]T, 0, len(values))
	for _, v := range values {
		if !slices.Contains(once, v) {
			once = append(once, v)
		}
	}
	return once
}

// commas warns of a scope that was probably meant as several.
func commas(scopes oauth.Scope) []Fault {
	var warnings []Fault
	for _, s := range scopes {
		if strings.Contains(s, ",") {
			warnings = append(warnings, newFault("scopes", CodeInvalid, "%q contains a comma and is one scope: give several scopes separately", s))
		}
	}
	return warnings
}

// The parts of views.

// listed is never null in JSON.
func listed[T ~[]E, E any](values T) []E {
	if values == nil {
		return []E{}
	}
	return values
}

func claimed(claims map[string]any) map[string]any {
	if claims == nil {
		return map[string]any{}
	}
	return claims
}

func seconds(d time.Duration) int64 { return int64(d / time.Second) }

// moment is null in JSON for never or not yet.
func moment(m time.Time) *time.Time {
	if m.IsZero() {
		return nil
	}
	return &m
}
