package grants

import (
	"context"
	"time"

	"authserver/internal/store"
)

// FrontChannel issues the access tokens of the authorization endpoint (RFC 6749 §4.2.2). They are
// bound to no key, and no refresh token comes with one.
type FrontChannel struct{ Issuing }

// AccessToken makes the access token of a new family, for the scope and the resources of the
// family. It returns the token and its lifetime.
func (g *FrontChannel) AccessToken(ctx context.Context, now time.Time, client store.Client, user store.User, family store.Family) (string, time.Duration, error) {
	target, err := g.Targets.Resolve(ctx, family.Resources, client.Resources)
	if err != nil {
		return "", 0, err
	}
	a, err := g.issue(Request{Client: &client, Now: now}, ofFamily(target, family.Scope, client, user, family))
	return a.AccessToken, a.ExpiresIn, err
}
