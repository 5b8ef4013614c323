package admin

import (
	"context"
	"time"

	"authserver/internal/oauth"
	"authserver/internal/store"
)

// What is given replaces what is there, once it was checked; what is nil was not
// given.

// setIf sets to from the values given.
func setIf[T ~[]E, E any](values []string, to *T, check func([]string) (T, error)) error {
	if values == nil {
		return nil
	}
	checked, err := check(values)
	if err != nil {
		return err
	}
	*to = checked
	return nil
}

func setName(to, name *string) error {
	if name == nil {
		return nil
	}
	*to = *name
	return checkText("--name", *name, maxText)
}

func setClaims(to *map[string]any, claims map[string]any) error {
	if claims == nil {
		return nil
	}
	*to = claims
	return checkClaims(claims)
}

func setTTL(flag string, to, ttl *time.Duration) error {
	if ttl == nil {
		return nil
	}
	*to = *ttl
	return checkTTL(flag, *ttl)
}

func scopesOf(flag string) func([]string) (oauth.Scope, error) {
	return func(values []string) (oauth.Scope, error) { return checkScopes(flag, values) }
}

func wordsOf(flag string) func([]string) ([]string, error) {
	return func(values []string) ([]string, error) { return checkWords(flag, values) }
}

// usernamesOf takes patterns of usernames, which are kept as usernames are: Bob is bob.
func usernamesOf(flag string) func([]string) ([]string, error) {
	return func(values []string) ([]string, error) {
		patterns := make([]string, len(values))
		for i, value := range values {
			normal, err := store.NormalizePattern(value)
			if err != nil {
				return nil, invalid("%s %q: %w", flag, value, err)
			}
			patterns[i] = normal
		}
		return checkWords(flag, patterns)
	}
}

func (a *Admin) resourcesOf(ctx context.Context, flag string) func([]string) ([]string, error) {
	return func(ids []string) ([]string, error) { return a.checkResources(ctx, flag, ids) }
}
