package handlers

import (
	"encoding/hex"
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

// ofPerson is an endpoint that takes a form of the page. Without a session there is nothing to
// do, and the page says so.
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

// form is an endpoint that takes a form in which nothing can be wrong.
func (e *Account) form(do func(w http.ResponseWriter, r *http.Request, p *sessions.Person, value func(string) string) (pages.AccountNotice, error)) web.Endpoint {
	return e.ofPerson(func(w http.ResponseWriter, r *http.Request, _ *web.RequestInfo, p *sessions.Person, form oauth.Form) error {
		notice, err := do(w, r, p, form.Get)
		switch {
		case err != nil:
			return err
		case notice == leftHere:
			return e.Logout.left(w, r, p.Session.ID)
		case notice == "":
			redirect(w, e.Base+AccountPath)
		default:
			redirect(w, e.Base+AccountPath+"?done="+string(notice))
		}
		return nil
	})
}

// changing is an endpoint that takes a form whose entries may be wrong. Whatever becomes of it,
// the browser goes on by GET, so that a reload sends no password again.
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
	return leftHere, e.leave(w, r, p, endedByPerson)
}

// session ends a session of the person, or all of them, that of this browser last.
func (e *Account) session(w http.ResponseWriter, r *http.Request, p *sessions.Person, value func(string) string) (pages.AccountNotice, error) {
	living, err := e.living(r.Context(), p)
	if err != nil {
		return "", err
	}
	wanted, notice := value("session"), pages.AccountNotice("")
	for _, s := range living { // those of other people are not among them
		if s.ID == p.Session.ID || wanted != "all" && wanted != hex.EncodeToString(s.ID[:]) {
			continue
		}
		err := e.Sessions.End(r.Context(), &sessions.Person{Session: s, User: p.User}, endedByPerson, telemetry.RequestID(r.Context()))
		if err != nil {
			return "", err
		}
		notice = pages.SessionEnded
	}
	if wanted == "all" {
		return leftHere, e.leave(w, r, p, endedByPerson)
	}
	return notice, nil
}

// app takes the access of an app back.
func (e *Account) app(_ http.ResponseWriter, r *http.Request, p *sessions.Person, value func(string) string) (pages.AccountNotice, error) {
	by := tokens.By{Actor: p.Actor(), RequestID: telemetry.RequestID(r.Context()), Reason: revokedByPerson}
	err := e.Revoker.Consent(r.Context(), by, p.User.ID, value("app"))
	if errors.Is(err, store.ErrNotFound) { // it is gone already
		return "", nil
	}
	return pages.AppRemoved, err
}
