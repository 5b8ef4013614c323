package grants

import (
	"context"
	"slices"

	"authserver/internal/oauth"
	"authserver/internal/store"
)

// plan has the decisions about a refresh token or a code that need no family.
type plan struct {
	rotation  store.Rotation
	resources []found // the access token may be for these
}

// candidates are the resources that an access token of a family may be for: those asked for,
// or all that the client may ask for.
func (i *Issuing) candidates(ctx context.Context, r Request, asked []string) []found {
	ids := asked
	if len(ids) == 0 {
		ids = i.Targets.Allowed(r.Client.Resources)
	}
	resources := i.Targets.lookUp(ctx, ids)
	for n := range resources {
		if resources[n].err == nil {
			resources[n].err = i.Minter.Ready(r.Now, resources[n].SigningAlg)
		}
	}
	return resources
}

// target is what the access token is for: what the family was granted, as far as the client is
// still registered for it, narrowed to what the request asks for. If it is an error, the rotation
// is Unissuable: see [store.Rotation.Issuable].
func (p plan) target(client *store.Client, family store.Family) (Target, oauth.Scope, error) {
	ids := p.rotation.Resources
	if len(ids) == 0 {
		ids = family.Resources
	}
	var of []found
	for _, id := range ids {
		if i := slices.IndexFunc(p.resources, func(resource found) bool { return resource.ID == id }); i >= 0 {
			of = append(of, p.resources[i])
		}
	}
	if len(of) == 0 {
		return Target{}, nil, oauth.Fail(oauth.InvalidTarget, "resources_withdrawn",
			"the client may no longer ask for any of the granted resources: an administrator can add one to the client")
	}
	target, err := combine(of)
	if err != nil {
		return Target{}, nil, err
	}
	target.Identity = true
	granted := family.Scope.Intersect(client.Scopes)
	scope, err := target.Scope(p.rotation.Scope, granted, granted)
	return target, scope, err
}
