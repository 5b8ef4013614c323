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
	// Client is nil where the request presented none; only grants that do not need
	// one see that.
	Client *store.Client
	Form   oauth.Form
	Now    time.Time
	// From is where the request comes from, by which failures are counted:
	// web.ClientAddress.Share.
	From string
	// RequestID is the HTTP request's, for the audit.
	RequestID string
	// Possession has the keys that the request proved to hold, and Confirmation those to which
	// the access token is bound: see [Possession.Bind].
	Possession   Possession
	Confirmation tokens.Confirmation
	// Once is what the request has been believed for and is good once. Whatever answers
	// with a token uses it up.
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
	IssuedTokenType string // of a token that was exchanged (RFC 8693 §2.2.1); "": none was
	// Outcome is what became of a refresh token, for metrics and the log: "forged" or
	// the name of a [store.Outcome]. It is there where the answer is a refusal, too.
	Outcome string
	// What the log says of the access token: its "jti", its "sub" and the username where
	// that is a user, its family and the issuer that vouched for the subject, where there is
	// one. A refusal has what is known of them.
	ID       string
	Subject  string
	Username string
	Family   store.FamilyID
	Issuer   string
	// RevokedAt and Revocation are when and why a family that is refused became void.
	RevokedAt  time.Time
	Revocation string
}

// Grant exchanges what a request brings for a token.
type Grant interface {
	Type() oauth.GrantType
	// NeedsClient says that a request without an authenticated client, or of one
	// that is not registered for the grant, is to be refused before Exchange.
	NeedsClient() bool
	// Exchange returns the answer, or an [oauth.Error], or a fault.
	Exchange(ctx context.Context, r Request) (Answer, error)
}

// Registry holds the grants that are switched on.
type Registry struct{ grants []Grant }

// NewRegistry returns a registry with the grants in the order given. A type that
// stands twice is an error.
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
