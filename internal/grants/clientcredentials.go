package grants

import (
	"context"

	"authserver/internal/oauth"
)

// ClientCredentials is the grant of a client that acts for itself (RFC 6749 §4.4). It makes no
// query, and writes only single uses.
type ClientCredentials struct {
	Issuing
}

// Type implements [Grant].
func (*ClientCredentials) Type() oauth.GrantType { return oauth.ClientCredentials }

// NeedsClient implements [Grant].
func (*ClientCredentials) NeedsClient() bool { return true }

// Exchange implements [Grant].
func (g *ClientCredentials) Exchange(ctx context.Context, r Request) (Answer, error) {
	if r.Client.Public() { // RFC 6749 §4.4: MUST only be used by confidential clients
		return Answer{}, oauth.Fail(oauth.UnauthorizedClient, "public_client",
			"a public client cannot use client_credentials: it cannot authenticate")
	}
	target, scope, err := g.resolveTarget(ctx, r)
	if err != nil {
		return Answer{}, err
	}
	// RFC 6749 §4.4.3: a refresh token SHOULD NOT be included.
	return g.issueOnce(ctx, r, forClient(target, scope, *r.Client))
}
