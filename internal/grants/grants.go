package grants

import (
	"context"
	"fmt"
	"time"

	"authserver/internal/oauth"
	"authserver/internal/store"
	"authserver/internal/tokens"
)

// Request is a token request whose client has been authenticated.
type Request struct {
	// Client is nil if the request presented no client; only grants that need no client see that.
	Client *store.Client
	Form   oauth.Form
	Now    time.Time
	// From is the key by which failures are counted: web.ClientAddress.Share.
	From string
	// RequestID is the HTTP request's, for the audit.
	RequestID string
	// Possession has the keys that the request proved to hold, and Confirmation those to which
	// the access token is bound: see [Possession.Bind].
	Possession   Possession
	Confirmation tokens.Confirmation
	// Once has the single uses of the request so far. An answer with a token records them.
	Once []SingleUse
}

// Answer is a successful answer (RFC 6749 §5.1).
type Answer struct {
	AccessToken     string
	ExpiresIn       time.Duration
	RefreshToken    string // "": none
	IDToken         string // of a sign-in with the scope openid (OpenID Connect Core §3.1.3.3); "": none
	Scope           oauth.Scope
	TokenType       string // how the access token is used: [oauth.Bearer] or [oauth.DPoP]
	IssuedTokenType string // of a token exchange (RFC 8693 §2.2.1); "": another grant
	// Outcome is the outcome of a refresh token or code, for metrics and the log: one of
	// [RefreshOutcomes], or the name of another [store.Outcome]. A refusal has it, too.
	Outcome string
	// For the log: the access token or, of a refusal, the token presented, and the issuer of the
	// assertion, if there is one. A refusal has what is known.
	tokens.About
	Issuer string
}

// Grant exchanges the credentials in a request for a token.
type Grant interface {
	Type() oauth.GrantType
	// NeedsClient reports whether the token endpoint has to refuse a request without an
	// authenticated client that is registered for the grant.
	NeedsClient() bool
	// Exchange returns the answer, or an [oauth.Error], or a fault.
	Exchange(ctx context.Context, r Request) (Answer, error)
}

// Registry holds the grants that are switched on.
type Registry struct{ grants []Grant }

// NewRegistry returns a registry with the grants in the order given. A duplicate type is an error.
func NewRegistry(grants ...Grant) (*Registry, error) {
	r := &Registry{}
	for _, g := range grants {
		if _, ok := r.Find(g.Type()); ok {
			return nil, fmt.Errorf("grant %s is registered twice", g.Type())
		}
		r.grants = append(r.grants, g)
	}
	return r, nil
}

// Find returns the grant of a type.
func (r *Registry) Find(t oauth.GrantType) (Grant, bool) {
	for _, g := range r.grants {
		if g.Type() == t {
			return g, true
		}
	}
	return nil, false
}

// Types returns the types of the grants, for the metadata (RFC 8414 §2).
func (r *Registry) Types() []oauth.GrantType {
	types := make([]oauth.GrantType, 0, len(r.grants))
	for _, g := range r.grants {
		types = append(types, g.Type())
	}
	return types
}
