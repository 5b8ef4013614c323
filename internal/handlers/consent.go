package handlers

import (
	"net/http"
	"slices"

	"authserver/internal/authorize"
	"authserver/internal/oauth"
	"authserver/internal/pages"
	"authserver/internal/telemetry"
	"authserver/internal/web"
)

// Consent is GET and POST /consent.
type Consent struct{ *SignIn }

func (e Consent) get(w http.ResponseWriter, r *http.Request, n *web.RequestInfo) error {
	return e.show(w, r, n, authorize.ConsentPage)
}

// post takes the decision of the person to whom the page was shown. If another person is signed in
// by now, or the client asks for something else, the decision does not count. A refusal needs no
// session.
func (e Consent) post(w http.ResponseWriter, r *http.Request, n *web.RequestInfo) error {
	form, v, err := e.submitted(r, n)
	if err != nil {
		return err
	}
	switch decision := form.Get("decision"); {
	case decision == "deny":
		return e.answer(w, r, n, v.flow, e.Authorizer.Deny(v.flow))
	case decision == "approve" && v.flow.DecisionCounts(v.person):
		if err := e.Authorizer.Approve(r.Context(), v.flow, v.person, v.now, telemetry.RequestID(r.Context())); err != nil {
			return err
		}
	}
	return e.continueAt(w, AuthorizePath, v.now, v.flow.Continuation)
}

// groups are the requested scopes by resource: those of OpenID Connect first, then the resources in
// the order of the request.
func groups(asked oauth.Grantable) []pages.ConsentGroup {
	var all []pages.ConsentGroup
	for _, resource := range append([]string{""}, asked.Resources...) {
		group := pages.ConsentGroup{Resource: resource}
		for _, scope := range asked.ByResource[resource] {
			if scope != "openid" || len(asked.ByResource[""]) == 1 { // with other scopes it adds no information
				group.Scopes = append(group.Scopes, pages.Scope{Name: scope})
			}
		}
		if len(group.Scopes) > 0 && !slices.ContainsFunc(all, func(g pages.ConsentGroup) bool { return g.Resource == resource }) {
			all = append(all, group)
		}
	}
	return all
}
