package store

import (
	"context"

	"authserver/internal/oauth"
)

// Consent records what a user lets a client ask for, so that the server does not ask again. There
// is at most one for a user and a client.
type Consent struct {
	UserID   string
	ClientID string
	// Scopes are the scopes of the consent, by resource. Those of "" are the scopes of OpenID
	// Connect, which belong to no resource.
	Scopes    map[string]oauth.Scope
	GrantedAt Moment
	Until     Moment // zero: it does not end by itself
}

// Live reports whether the consent has not expired at a moment.
func (c Consent) Live(now Moment) bool { return c.Until.IsZero() || now.Before(c.Until) }

// Covers reports whether the consent contains all requested scopes, by resource.
func (c Consent) Covers(asked map[string]oauth.Scope) bool {
	for resource, scope := range asked {
		if !scope.IsSubsetOf(c.Scopes[resource]) {
			return false
		}
	}
	return true
}

// Consents keeps consents.
type Consents interface {
	// Consent returns the consent of a user to a client, or ErrNotFound. A client that was deleted
	// and created again starts without consents.
	Consent(ctx context.Context, userID, clientID string) (Consent, error)
	// SetConsent adds a consent, or replaces the one of that user and client. ErrNotFound if the
	// user or the client was deleted.
	SetConsent(ctx context.Context, c Consent, by Change) error
	// ListConsents returns consents of a user in the order of their clients.
	ListConsents(ctx context.Context, p ConsentPage) ([]Consent, error)
	// RevokeConsent removes a consent, and ends in the same transaction every family that the user
	// has at the client, those that are Offline too. by.Voids is that of EndSession. It also ends
	// families without a consent. ErrNotFound if there is neither.
	RevokeConsent(ctx context.Context, userID, clientID string, by Change) error
}

// ConsentPage is a listing of a user's consents: at most Limit (1 to MaxPage) whose
// client sorts after After.
type ConsentPage struct {
	UserID string
	After  string // a client's ID
	Limit  int
}

// Check returns an error if the limit is out of bounds.
func (p ConsentPage) Check() error { return Page{Limit: p.Limit}.Check() }
