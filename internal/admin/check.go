package admin

import (
	"encoding/json"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"authserver/internal/oauth"
	"authserver/internal/tokens"
)

// Bounds on what is registered. What goes into a token has to fit into
// [tokens.MaxAccessBytes] together.
const (
	maxText        = 255     // bytes of a name, a role or a permission
	maxListed      = 100     // values of one list
	maxClaimsBytes = 4 << 10 // custom claims of one noun, as JSON
)

// distinct returns the values in their order, each once. What is empty stays
// apart from what is nil.
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

// checkText holds a text to what can be shown on one line.
func checkText(flag, text string, longest int) error {
	if len(text) > longest {
		return invalid("%s: a value is longer than %d bytes", flag, longest)
	}
	if !utf8.ValidString(text) || strings.ContainsFunc(text, unicode.IsControl) {
		return invalid("%s: a value holds control characters or is not valid UTF-8", flag)
	}
	return nil
}

// checkWords checks roles or permissions and returns them each once.
func checkWords(flag string, words []string) ([]string, error) {
	words = distinct(words)
	if len(words) > maxListed {
		return nil, invalid("%s: more than %d values", flag, maxListed)
	}
	for _, w := range words {
		if w == "" {
			return nil, invalid("%s: a value is empty", flag)
		}
		if err := checkText(flag, w, maxText); err != nil {
			return nil, err
		}
	}
	return words, nil
}

// checkScopes holds scopes to RFC 6749 §3.3. None is the nil Scope.
func checkScopes(flag string, scopes []string) (oauth.Scope, error) {
	scope, err := oauth.NewScope(scopes...)
	if err != nil {
		return nil, invalid("%s: %w", flag, err)
	}
	return scope, nil
}

// commas warns of scopes that were meant to be several.
func commas(scopes oauth.Scope) []Fault {
	var warnings []Fault
	for _, s := range scopes {
		if strings.Contains(s, ",") {
			warnings = append(warnings, newFault("scopes", CodeInvalid, "%q holds a comma and is one scope: for several, give each by itself", s))
		}
	}
	return warnings
}

// checkClaims refuses custom claims that are the server's own to set, and more
// than a token could carry.
func checkClaims(claims map[string]any) error {
	for name := range claims {
		if name == "" {
			return invalid("--claim: a claim has no name")
		}
		if err := checkText("--claim", name, maxText); err != nil {
			return err
		}
		if tokens.Reserved(name) {
			return invalid("--claim: %q is set by this server and cannot be a custom claim: choose another name", name)
		}
	}
	encoded, err := json.Marshal(claims)
	if err != nil {
		return invalid("--claim: %w", err)
	}
	if len(encoded) > maxClaimsBytes {
		return invalid("--claim: the custom claims are %d bytes of JSON, more than %d: a token has to fit into a header", len(encoded), maxClaimsBytes)
	}
	return nil
}

// checkTTL wants whole seconds, because tokens and answers count in them.
func checkTTL(flag string, ttl time.Duration) error {
	if ttl <= 0 || ttl%time.Second != 0 {
		return invalid("%s is %s: it has to be a positive number of whole seconds", flag, ttl)
	}
	return nil
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

// moment is null in JSON where it is never or not yet.
func moment(m time.Time) *time.Time {
	if m.IsZero() {
		return nil
	}
	return &m
}
