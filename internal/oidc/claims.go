package oidc

import (
	"slices"

	"authserver/internal/oauth"
	"authserver/internal/store"
)

// claim is a standard claim (Core §5.1): the scope that it comes with (§5.4), and its value.
type claim struct {
	name, scope string
	value       func(u store.User) any // nil: it is not known
}

// standard are the standard claims, those of one scope together.
func standard() []claim {
	return []claim{
		{"name", "profile", text(func(p store.UserProfile) string { return p.Name })},
		{"given_name", "profile", text(func(p store.UserProfile) string { return p.GivenName })},
		{"family_name", "profile", text(func(p store.UserProfile) string { return p.FamilyName })},
		{"middle_name", "profile", text(func(p store.UserProfile) string { return p.MiddleName })},
		{"nickname", "profile", text(func(p store.UserProfile) string { return p.Nickname })},
		{"preferred_username", "profile", preferredUsername},
		{"profile", "profile", text(func(p store.UserProfile) string { return p.Profile })},
		{"picture", "profile", text(func(p store.UserProfile) string { return p.Picture })},
		{"website", "profile", text(func(p store.UserProfile) string { return p.Website })},
		{"gender", "profile", text(func(p store.UserProfile) string { return p.Gender })},
		{"birthdate", "profile", text(func(p store.UserProfile) string { return p.Birthdate })},
		{"zoneinfo", "profile", text(func(p store.UserProfile) string { return p.Zoneinfo })},
		{"locale", "profile", text(func(p store.UserProfile) string { return p.Locale })},
		{"updated_at", "profile", updatedAt},
		{"email", "email", func(u store.User) any { return known(u.Email) }},
		{"email_verified", "email", func(u store.User) any { return beside(u.Email, u.Profile.EmailVerified) }},
		{"address", "address", address},
		{"phone_number", "phone", text(func(p store.UserProfile) string { return p.PhoneNumber })},
		{"phone_number_verified", "phone", func(u store.User) any { return beside(u.Profile.PhoneNumber, u.Profile.PhoneNumberVerified) }},
	}
}

// ClaimNames returns the claims that an ID token or userinfo can have.
func ClaimNames() []string {
	names := []string{"sub", "iss", "aud", "exp", "iat", "auth_time", "nonce", "acr", "amr", "azp", "at_hash", "c_hash", "s_hash", "sid"}
	for _, c := range standard() {
		names = append(names, c.name)
	}
	return names
}

// ScopeOf returns the scope that a standard claim comes with; "": it is none.
func ScopeOf(name string) string {
	for _, c := range standard() {
		if c.name == name {
			return c.scope
		}
	}
	return ""
}

// Granted returns the standard claims among names that come with a scope.
func Granted(names []string, scope oauth.Scope) []string {
	var granted []string
	for _, name := range names {
		if scope.Has(ScopeOf(name)) {
			granted = append(granted, name)
		}
	}
	return granted
}

// claimsOf returns the standard claims of a user that come with a scope, and those named.
func claimsOf(u store.User, scope oauth.Scope, named []string) map[string]any {
	claims := make(map[string]any)
	for _, c := range standard() {
		if !scope.Has(c.scope) && !slices.Contains(named, c.name) {
			continue
		}
		if value := c.value(u); value != nil {
			claims[c.name] = value
		}
	}
	return claims
}

func text(member func(p store.UserProfile) string) func(u store.User) any {
	return func(u store.User) any { return known(member(u.Profile)) }
}

// known leaves out what is not known (§5.3.2): an empty string would be a value.
func known(value string) any {
	if value == "" {
		return nil
	}
	return value
}

// beside is a claim about another claim, and is left out without that claim.
func beside(value string, verified bool) any {
	if value == "" {
		return nil
	}
	return verified
}

func preferredUsername(u store.User) any {
	if u.Profile.PreferredUsername != "" {
		return u.Profile.PreferredUsername
	}
	return known(u.Username)
}

func updatedAt(u store.User) any {
	if u.UpdatedAt.IsZero() {
		return nil
	}
	return u.UpdatedAt.Unix()
}

func address(u store.User) any {
	if u.Profile.Address == (store.Address{}) {
		return nil
	}
	return u.Profile.Address
}
