package store

import (
	"context"

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
		if !scope.IsSubsetOf(c.Scopes[resource]) {
			return false
		}
	}
	return true
}

// Consents keeps consents.
type Consents interface {
	// Consent returns what a user let a client ask for, or ErrNotFound. A client that was
	// deleted and made anew has no consents of the one before.
	Consent(ctx context.Context, userID, clientID string) (Consent, error)
	// SetConsent adds a consent, or replaces the one of that user and client. ErrNotFound
	// where the user or the client is gone.
	SetConsent(ctx context.Context, c Consent, by Change) error
	// ListConsents returns consents of a user in the order of their clients.
	ListConsents(ctx context.Context, p ConsentPage) ([]Consent, error)
	// RevokeConsent removes a consent, and ends in the same transaction every family that the
	// user has at the client, those that are Offline too. by.Voids is that of EndSession.
	// Families without a consent end all the same. ErrNotFound where there is neither.
	RevokeConsent(ctx context.Context, userID, clientID string, by Change) error
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
