package grants

import (
	"context"
	"time"

	"authserver/internal/oauth"
	"authserver/internal/store"
	"authserver/internal/tokens"
)

// Minter signs access tokens; it is [tokens.Minter].
type Minter interface {
	Ready(now time.Time, alg string) error
	Mint(now time.Time, a tokens.Access) (tokens.Minted, error)
}

// ClientCredentials is the grant of a client that acts for itself (RFC 6749
// §4.4). It asks the database nothing, and writes what is good once alone.
type ClientCredentials struct {
	Targets    *Targets
	Minter     Minter
	Assertions store.Assertions
}

// Type implements [Grant].
func (*ClientCredentials) Type() oauth.GrantType { return oauth.ClientCredentials }

// NeedsClient implements [Grant].
func (*ClientCredentials) NeedsClient() bool { return true }

// Exchange implements [Grant].
func (g *ClientCredentials) Exchange(ctx context.Context, r Request) (Answer, error) {
	if r.Client.Public() { // RFC 6749 §4.4: MUST only be used by confidential clients
		return Answer{}, oauth.Fail(oauth.UnauthorizedClient, "public_client",
			"a public client cannot use client_credentials: it has nothing to prove itself with")
	}
	target, scope, err := askedOf(ctx, g.Targets, r)
	if err != nil {
		return Answer{}, err
	}
	// RFC 6749 §4.4.3: a refresh token SHOULD NOT be included.
	return r.issueOnce(ctx, g.Minter, g.Assertions, clientAccess(target, scope, *r.Client))
}

// clientAccess is the token of a client that acts for itself (RFC 9068 §2.2: sub
// is the client then).
func clientAccess(target Target, scope oauth.Scope, client store.Client) tokens.Access {
	return tokens.Access{
		Subject:     client.ID,
		ClientID:    client.ID,
		Audience:    target.Resources,
		Scope:       scope,
		Roles:       client.Roles,
		Permissions: client.Permissions,
		Custom:      mergeClaims(target.Claims, client.Claims),
		Alg:         target.Alg,
		Typ:         target.Typ,
		Encryption:  target.Encryption,
		TTL:         target.TTL,

		ClientNotBefore:  client.NotBefore,
		SubjectNotBefore: client.NotBefore,
	}
}

// userAccess is the token of a user at a client.
func userAccess(target Target, scope oauth.Scope, client store.Client, user store.User) tokens.Access {
	return tokens.Access{
		Subject:     user.ID,
		ClientID:    client.ID,
		Audience:    target.Resources,
		Scope:       scope,
		Roles:       user.Roles,
		Permissions: user.Permissions,
		Custom:      mergeClaims(mergeClaims(target.Claims, client.Claims), user.Claims),
		Alg:         target.Alg,
		Typ:         target.Typ,
		Encryption:  target.Encryption,
		TTL:         target.TTL,

		ClientNotBefore:  client.NotBefore,
		SubjectNotBefore: user.NotBefore,
	}
}

// askedOf reads scope and resource of a request and holds them against what its
// client is registered for.
func askedOf(ctx context.Context, targets *Targets, r Request) (Target, oauth.Scope, error) {
	asked, err := askedScope(r.Form.Get("scope"))
	if err != nil {
		return Target{}, nil, err
	}
	target, err := targets.Resolve(ctx, r.Form.Resources(), r.Client.Resources)
	if err != nil {
		return Target{}, nil, err
	}
	scope, err := target.Scope(asked, r.Client.Scopes, r.Client.Defaults())
	return target, scope, err
}
