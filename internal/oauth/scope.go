package oauth

import (
	"fmt"
	"slices"
	"strings"
)

// Bounds on a scope, so that a token stays small enough for a header.
const (
	MaxScopes      = 100 // scope tokens in one scope
	MaxScopeLength = 256 // bytes of one scope token
)

// Scope is a set of scope tokens in the order in which they were first named. A nil Scope means
// that a request does not have the parameter.
type Scope []string

// ParseScope reads the parameter "scope": scope tokens with one space between them (RFC 6749 §3.3).
// More spaces, and spaces around them, change nothing. It keeps repeated tokens once. Without a
// token it returns the nil Scope.
func ParseScope(s string) (Scope, error) {
	tokens := strings.FieldsFunc(s, func(c rune) bool { return c == ' ' })
	return NewScope(tokens...)
}

// NewScope makes a scope of the tokens. It checks each against the grammar of RFC 6749 §3.3, and
// keeps repeated tokens once.
func NewScope(scopeTokens ...string) (Scope, error) {
	var scope Scope
	for _, t := range scopeTokens {
		if err := checkScopeToken(t); err != nil {
			return nil, err
		}
		if !slices.Contains(scope, t) {
			scope = append(scope, t)
		}
		if len(scope) > MaxScopes {
			return nil, fmt.Errorf("more than %d scope values", MaxScopes)
		}
	}
	return scope, nil
}

// checkScopeToken requires scope-token = 1*( %x21 / %x23-5B / %x5D-7E ).
func checkScopeToken(t string) error {
	switch {
	case t == "":
		return fmt.Errorf("a scope value is empty")
	case len(t) > MaxScopeLength:
		return fmt.Errorf("a scope value is longer than %d bytes", MaxScopeLength)
	}
	for i := range len(t) {
		if c := t[i]; c < 0x21 || c > 0x7e || c == '"' || c == '\\' {
			return fmt.Errorf("a scope value contains a character that RFC 6749 section 3.3 does not allow")
		}
	}
	return nil
}

// String joins the tokens with one space.
func (s Scope) String() string { return strings.Join(s, " ") }

// Has reports whether the token is in the scope.
func (s Scope) Has(token string) bool { return slices.Contains(s, token) }

// FirstNotIn returns the first token of s that is not in other, if there is one.
func (s Scope) FirstNotIn(other Scope) (string, bool) {
	for _, t := range s {
		if !other.Has(t) {
			return t, true
		}
	}
	return "", false
}

// IsSubsetOf reports whether every token of s is in other.
func (s Scope) IsSubsetOf(other Scope) bool {
	_, beyond := s.FirstNotIn(other)
	return !beyond
}

// Intersect returns the tokens of s that are in other too, in the order of s.
func (s Scope) Intersect(other Scope) Scope {
	both := make(Scope, 0, len(s))
	for _, t := range s {
		if other.Has(t) {
			both = append(both, t)
		}
	}
	return both
}

// Union returns the tokens of s, and then those of other that are not in s.
func (s Scope) Union(other Scope) Scope {
	both := slices.Clone(s)
	for _, t := range other {
		if !both.Has(t) {
			both = append(both, t)
		}
	}
	return both
}

// Without returns the tokens of s except one.
func (s Scope) Without(token string) Scope {
	rest := make(Scope, 0, len(s))
	for _, t := range s {
		if t != token {
			rest = append(rest, t)
		}
	}
	return rest
}
