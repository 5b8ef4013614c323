package grants

import (
	"context"

	"authserver/internal/oauth"
	"authserver/internal/store"
)

// Grantable returns what a sign-in may grant of the requested scope and resources: all of it, or an
// [oauth.Error]. Without a scope in the request, it is the default of the registration without the
// scopes of OpenID Connect, which a request has to name (Core §3.1.2.1).
func (t *Targets) Grantable(ctx context.Context, client store.Client, asked oauth.Scope, resources []string) (oauth.Grantable, error) {
	target, err := t.Resolve(ctx, resources, client.Resources)
	if err != nil {
		return oauth.Grantable{}, err
	}
	target.Identity = true
	_, defaults := client.Defaults().Split()
	scope, err := target.Scope(asked, client.Scopes, defaults)
	if err != nil {
		return oauth.Grantable{}, err
	}
	if !client.May(oauth.RefreshToken) { // OpenID Connect Core §11: MUST ignore the offline_access request
		scope = scope.Without("offline_access")
	}
	g := oauth.Grantable{Scope: scope, Resources: target.Resources, ByResource: make(map[string]oauth.Scope)}
	identity, others := scope.Split()
	if len(identity) > 0 {
		g.ByResource[""] = identity
	}
	for _, resource := range t.lookUp(ctx, target.Resources) {
		if resource.err != nil {
			return oauth.Grantable{}, resource.err
		}
		known := others
		if len(resource.Scopes) > 0 {
			known = others.Intersect(resource.Scopes)
		}
		g.ByResource[resource.ID] = known
	}
	return g, nil
}
