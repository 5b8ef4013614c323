package handlers

import (
	"net/http"
	"slices"
	"strings"

	"authserver/internal/authorize"
	"authserver/internal/web"
)

// Authorize is GET and POST /oauth2/authorize (RFC 6749 §3.1, OpenID Connect Core §3.1.2.1).
type Authorize struct{ *SignIn }

// get takes a new request, and one that comes back from a page.
func (e Authorize) get(w http.ResponseWriter, r *http.Request, n *web.RequestInfo) error {
	if continues(r.URL.RawQuery) {
		sealed, err := continueOf(r)
		if err != nil {
			return err
		}
		v, err := e.resume(r, n, sealed)
		if err != nil {
			return err
		}
		return e.step(w, r, n, v)
	}
	v := visit{now: e.Now()}
	var err error
	v.flow, err = e.Authorizer.Begin(r.Context(), r.URL.RawQuery, v.now)
	n.Claimed = v.flow.Client.ID
	if err != nil {
		return err
	}
	if err := e.look(r, n, &v); err != nil {
		return err
	}
	return e.step(w, r, n, v)
}

// post takes a request in a form: see [readCrossSite].
func (e Authorize) post(w http.ResponseWriter, r *http.Request, n *web.RequestInfo) error {
	query, err := readCrossSite(r, n)
	if err != nil {
		return err
	}
	now := e.Now()
	flow, err := e.Authorizer.Begin(r.Context(), query, now)
	n.Claimed = flow.Client.ID
	if err != nil {
		return err
	}
	return e.continueAt(w, AuthorizePath, now, flow.Continuation)
}

// continues reports whether a query belongs to a request that comes back from a page.
func continues(query string) bool {
	return slices.ContainsFunc(strings.Split(query, "&"), func(pair string) bool { return strings.HasPrefix(pair, "continue=") })
}

// Accounts is GET and POST /accounts: the person chooses an account.
type Accounts struct{ *SignIn }

func (e Accounts) get(w http.ResponseWriter, r *http.Request, n *web.RequestInfo) error {
	return e.show(w, r, n, authorize.AccountsPage)
}

func (e Accounts) post(w http.ResponseWriter, r *http.Request, n *web.RequestInfo) error {
	form, v, err := e.submitted(r, n)
	if err != nil {
		return err
	}
	if v.person == nil || form.Get("account") == "other" {
		return e.continueAt(w, LoginPath, v.now, v.flow.SwitchAccount(another(v)))
	}
	if form.Get("account") != v.person.User.ID { // another person signed in since the page was shown
		return e.continueAt(w, AuthorizePath, v.now, v.flow.Continuation)
	}
	return e.continueAt(w, AuthorizePath, v.now, v.flow.ChooseAccount(v.person.Session.ID))
}
