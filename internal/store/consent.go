package store

import (
	"authserver/internal/oauth"
)

// Consent is what a user lets a client ask for, so that the user is not asked again. There
// is one for each user and client.
type Consent struct {
	UserID   string
	ClientID string
	// Scopes is what was consented to, by the resource that knows it. Those of "" are the
	// scopes of OpenID Connect, which belong to no resource.
	Scopes    map[string]oauth.Scope
	GrantedAt Moment
	Until     Moment // zero: it does not end by itself
}

// Live reports whether the consent has not ended by itself at the moment given.
func (c Consent) Live(now Moment) bool { return c.Until.IsZero() || now.Before(c.Until) }

// Covers reports whether everything that is asked for, by resource, was consented to.
func (c Consent) Covers(asked map[string]oauth.Scope) bool {
	for resource, scope := range asked {
		if !scope.Within(c.Scopes[resource]) {
			return false
		}
	}
	return true
}

// ConsentPage is a listing of a user's consents: at most Limit (1 to MaxPage) whose
// client sorts after After.
type ConsentPage struct {
	UserID string
	After  string // a client's ID
	Limit  int
}

// Check returns an error where the limit is out of bounds.
func (p ConsentPage) Check() error { return Page{Limit: p.Limit}.Check() }
