package handlers

import (
	"errors"
	"net/http"

	"authserver/internal/oauth"
	"authserver/internal/pages"
	"authserver/internal/sessions"
	"authserver/internal/store"
	"authserver/internal/telemetry"
	"authserver/internal/tokens"
	"authserver/internal/web"
)

// ofPerson is an endpoint that takes a form of the page. Without a session it does nothing, and the
// page asks the person to sign in.
func (e *Account) ofPerson(do func(w http.ResponseWriter, r *http.Request, n *web.RequestInfo, p *sessions.Person, form oauth.Form) error) web.Endpoint {
	return func(w http.ResponseWriter, r *http.Request, n *web.RequestInfo) error {
		form, err := readForm(r, n)
		if err != nil {
			return err
		}
		p, err := e.person(r, n)
		if err != nil {
			return err
		}
		if p == nil {
			redirect(w, e.Base+AccountPath)
			return nil
		}
		return do(w, r, n, p, form)
	}
}

// form is an endpoint for a form without entries that could be wrong.
func (e *Account) form(do func(w http.ResponseWriter, r *http.Request, p *sessions.Person, value func(string) string) (pages.AccountNotice, error)) web.Endpoint {
	return e.ofPerson(func(w http.ResponseWriter, r *http.Request, _ *web.RequestInfo, p *sessions.Person, form oauth.Form) error {
		notice, err := do(w, r, p, form.Get)
		switch {
		case err != nil:
			return err
		case notice == endedHere:
			return e.Logout.left(w, r, p.Session.ID)
		case notice == "":
			redirect(w, e.Base+AccountPath)
		default:
			redirect(w, e.Base+AccountPath+"?done="+string(notice))
		}
		return nil
	})
}

// changing is an endpoint for a form whose entries may be wrong. In either case the browser
// continues with GET, so that a reload does not send a password again.
func (e *Account) changing(done pages.AccountNotice, change func(w http.ResponseWriter, r *http.Request, n *web.RequestInfo, p *sessions.Person, form oauth.Form) (pages.AccountFault, error)) web.Endpoint {
	return e.ofPerson(func(w http.ResponseWriter, r *http.Request, n *web.RequestInfo, p *sessions.Person, form oauth.Form) error {
		fault, err := change(w, r, n, p, form)
		switch {
		case err != nil:
			return err
		case fault != "":
			redirect(w, e.Base+AccountPath+"?fault="+string(fault))
		default:
			redirect(w, e.Base+AccountPath+"?done="+string(done))
		}
		return nil
	})
}

// logout ends the session of this browser.
func (e *Account) logout(w http.ResponseWriter, r *http.Request, p *sessions.Person, _ func(string) string) (pages.AccountNotice, error) {
	return endedHere, e.leave(w, r, p, store.EndedBySignOut)
}

// session ends one session of the person, or all of them with the session of this browser last.
func (e *Account) session(w http.ResponseWriter, r *http.Request, p *sessions.Person, value func(string) string) (pages.AccountNotice, error) {
	living, err := e.activeSessions(r.Context(), p)
	if err != nil {
		return "", err
	}
	wanted, notice := value("session"), pages.AccountNotice("")
	for _, s := range living { // those of other people are not among them
		if s.ID == p.Session.ID || wanted != "all" && wanted != s.ID.String() {
			continue
		}
		err := e.Sessions.End(r.Context(), &sessions.Person{Session: s, User: p.User}, store.EndedBySignOut, telemetry.RequestID(r.Context()))
		if err != nil {
			return "", err
		}
		notice = pages.SessionEnded
	}
	if wanted == "all" {
		return endedHere, e.leave(w, r, p, store.EndedBySignOut)
	}
	return notice, nil
}

// app revokes the access of an app.
func (e *Account) app(_ http.ResponseWriter, r *http.Request, p *sessions.Person, value func(string) string) (pages.AccountNotice, error) {
	by := tokens.By{Actor: p.Actor(), RequestID: telemetry.RequestID(r.Context()), Reason: store.EndedByPerson}
	err := e.Revoker.Consent(r.Context(), by, p.User.ID, value("app"))
	if errors.Is(err, store.ErrNotFound) { // it was revoked already
		return "", nil
	}
	return pages.AppRemoved, err
}
