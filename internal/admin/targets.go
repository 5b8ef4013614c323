package admin

import (
	"context"
	"errors"
	"fmt"

	"authserver/internal/oauth"
	"authserver/internal/store"
)

// Targets are the resources that a client or an issuer may be registered for.
type Targets struct {
	Self      string // this server's issuer identifier, which needs no registration itself
	Resources store.Resources
}

// set sets registered resources, each once.
func (t Targets) set(ctx context.Context, f *form, field Field, to *[]string, ids []string) {
	if ids == nil || !f.checkCount(field, len(distinct(ids))) {
		return
	}
	before := len(f.faults)
	for n, id := range ids {
		if id == t.Self {
			continue
		}
		_, err := t.Resources.Resource(ctx, id)
		switch {
		case errors.Is(err, store.ErrNotFound):
			f.fault(field.at(n), CodeNotFound, "resource %q is not registered: register it first with %v", id, Operation{Noun: "resource", Verb: "create", ID: id})
		case err != nil:
			f.fail("look up resource %q: %w", id, err)
			return
		}
	}
	if len(f.faults) == before {
		*to = distinct(ids)
	}
}

// unlisted warns of scopes that none of the resources lists, so that no token can have them. A
// resource that lists none leaves its scopes to its clients, and no resource at all means this
// server itself, which does the same.
func (t Targets) unlisted(ctx context.Context, scopes oauth.Scope, resources []string) ([]Fault, error) {
	var listed oauth.Scope
	for _, id := range resources {
		resource, err := t.Resources.Resource(ctx, id)
		if errors.Is(err, store.ErrNotFound) {
			if id == t.Self {
				return nil, nil
			}
			continue
		}
		if err != nil {
			return nil, fmt.Errorf("look up resource %q: %w", id, err)
		}
		if len(resource.Scopes) == 0 {
			return nil, nil
		}
		listed = append(listed, resource.Scopes...)
	}
	var warnings []Fault
	for _, scope := range scopes {
		if len(resources) > 0 && !listed.Has(scope) && !oauth.IdentityScopes().Has(scope) {
			warnings = append(warnings, newFault("scopes", CodeUnused,
				"%q is listed by none of the resources, so that no token can have it: add it with %v", scope, Operation{Noun: "resource", Verb: "update"}))
		}
	}
	return warnings, nil
}
