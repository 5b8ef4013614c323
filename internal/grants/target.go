package grants

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"authserver/internal/oauth"
	"authserver/internal/store"
	"authserver/internal/tokens"
)

// Targets finds the resources that a token is for (RFC 8707).
type Targets struct {
	Resources store.Resources
	// Default is the audience of tokens of a client without resources: this server itself (RFC 9068
	// §3 demands a default).
	Default store.Resource
}

// Target is the audience of a token, with the settings of its resources.
type Target struct {
	Resources []string
	Scopes    oauth.Scope // that the resources list
	AnyScope  bool        // one of them lists no scope, and leaves the choice to its clients
	// Identity is set after a sign-in of a person: only then the scopes of OpenID Connect have a
	// meaning, and they belong to no resource.
	Identity bool
	kind
	TTL    time.Duration
	Claims map[string]any
}

// Allowed returns what a client or issuer that is registered for these resources may
// ask for.
func (t *Targets) Allowed(registered []string) []string {
	if len(registered) == 0 {
		return []string{t.Default.ID}
	}
	return registered
}

// Resolve finds the target of a request that asks for some of the resources registered; without one
// in the request it is the first of them.
func (t *Targets) Resolve(ctx context.Context, asked, registered []string) (Target, error) {
	allowed := t.Allowed(registered)
	for _, id := range asked {
		if !slices.Contains(allowed, id) {
			return Target{}, oauth.Fail(oauth.InvalidTarget, "resource_not_allowed",
				oauth.Quote("resource", id)+" is unknown or not allowed here: an administrator can add it to the client")
		}
	}
	if len(asked) == 0 {
		asked = allowed[:1]
	}
	return combine(t.lookUp(ctx, asked))
}

func disjoint() *oauth.Error {
	return oauth.Fail(oauth.InvalidTarget, "resources_disjoint",
		"the client and the issuer have no resource in common: an administrator can add one to either of them")
}

// found is a resource, or the reason why there can be no token for it.
type found struct {
	store.Resource // has its ID in any case
	err            error
}

// lookUp looks up resources, in their order.
func (t *Targets) lookUp(ctx context.Context, ids []string) []found {
	all := make([]found, 0, len(ids))
	for _, id := range ids {
		resource, err := t.find(ctx, id)
		resource.ID = id
		all = append(all, found{resource, err})
	}
	return all
}

// combine returns the target of a token for all of the resources, which have to agree on its kind.
func combine(all []found) (Target, error) {
	var target Target
	for _, resource := range all {
		if resource.err != nil {
			return Target{}, resource.err
		}
		if len(target.Resources) > 0 {
			if err := target.kind.differs(kindOf(resource.Resource)); err != nil {
				return Target{}, err
			}
		}
		target.add(resource.Resource)
	}
	return target, nil
}

// kind is the form of the tokens for a resource: one token is for resources of one kind.
type kind struct {
	Alg string
	Typ string // header "typ" of the token; "": "at+jwt"
	// Encryption is the same for all of the resources: no resource must have to pass the decrypted
	// token on to another.
	Encryption tokens.Encryption
}

func kindOf(r store.Resource) kind {
	return kind{r.SigningAlg, r.TokenTyp, tokens.Encryption{JWK: string(r.EncryptionJWK), Enc: r.EncryptionEnc}}
}

// differs refuses two kinds in one token, and names the difference.
func (k kind) differs(other kind) error {
	differ := func(text string) error { return oauth.Fail(oauth.InvalidTarget, "resources_differ", text) }
	switch {
	case k.Alg != other.Alg:
		return differ("the resources want tokens signed with different algorithms: ask for one token each")
	case k.Typ != other.Typ:
		return differ("the resources want tokens with a different header typ: ask for one token each")
	case k.Encryption != other.Encryption:
		return differ("the resources want tokens encrypted to different keys, or one does not want them encrypted: ask for one token each")
	}
	return nil
}

// candidates are the resources with what a rotation has to know about them, for a requested scope.
func candidates(all []found, asked oauth.Scope) []store.Candidate {
	var kinds []kind
	list := make([]store.Candidate, 0, len(all))
	for _, resource := range all {
		c := store.Candidate{Resource: resource.ID, Kind: -1}
		if resource.err == nil {
			if c.Kind = slices.Index(kinds, kindOf(resource.Resource)); c.Kind < 0 {
				c.Kind = len(kinds)
				kinds = append(kinds, kindOf(resource.Resource))
			}
			target := Target{Identity: true} // resources beyond the grant are refused anyway
			target.add(resource.Resource)
			c.Scope = target.scopeOfResources(asked)
		}
		list = append(list, c)
	}
	return list
}

func (t *Targets) find(ctx context.Context, id string) (store.Resource, error) {
	resource, err := t.Resources.Resource(ctx, id)
	switch {
	case err == nil:
		return resource, nil
	case !errors.Is(err, store.ErrNotFound):
		return store.Resource{}, fmt.Errorf("look up the resource: %w", err)
	case id == t.Default.ID:
		return t.Default, nil
	}
	return store.Resource{}, oauth.Fail(oauth.InvalidTarget, "resource_unknown",
		oauth.Quote("resource", id)+" is not registered any more: name another one with resource, or have an administrator register it")
}

// add takes the shortest lifetime, and the scopes and claims of all.
func (t *Target) add(r store.Resource) {
	if t.TTL == 0 || r.AccessTokenTTL < t.TTL {
		t.TTL = r.AccessTokenTTL
	}
	t.Resources = append(t.Resources, r.ID)
	t.kind = kindOf(r)
	t.Claims = mergeClaims(t.Claims, r.Claims)
	t.AnyScope = t.AnyScope || len(r.Scopes) == 0
	for _, s := range r.Scopes {
		if !t.Scopes.Has(s) {
			t.Scopes = append(t.Scopes, s)
		}
	}
}

// Scope returns the scope of a token: the requested scope if all of it is allowed and known to the
// target, or without a request the defaults that the target knows (RFC 6749 §3.3).
func (t Target) Scope(asked, allowed, defaults oauth.Scope) (oauth.Scope, error) {
	if asked == nil {
		return t.scopeOfResources(defaults), nil
	}
	if token, ok := asked.FirstNotIn(allowed); ok {
		return nil, oauth.Fail(oauth.InvalidScope, "scope_not_allowed",
			oauth.Quote("scope", token)+" is not allowed for this client: ask for less, or have an administrator add it to the client")
	}
	if token, ok := asked.FirstNotIn(t.scopeOfResources(asked)); ok {
		return nil, oauth.Fail(oauth.InvalidScope, "scope_not_of_resource",
			oauth.Quote("scope", token)+" is not a scope of the resource: ask for less, or for another resource")
	}
	return asked, nil
}

// scopeOfResources returns the part of the scope that the target's resources know.
func (t Target) scopeOfResources(scope oauth.Scope) oauth.Scope {
	if t.AnyScope {
		return scope
	}
	known := make(oauth.Scope, 0, len(scope))
	for _, s := range scope {
		if t.Scopes.Has(s) || t.Identity && oauth.IdentityScopes().Has(s) {
			known = append(known, s)
		}
	}
	return known
}

// mergeClaims returns the claims of both; those of b win.
func mergeClaims(a, b map[string]any) map[string]any {
	if len(a)+len(b) == 0 {
		return nil
	}
	both := make(map[string]any, len(a)+len(b))
	for _, claims := range []map[string]any{a, b} {
		for name, value := range claims {
			both[name] = value
		}
	}
	return both
}
