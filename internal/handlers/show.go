package handlers

import (
	"net/http"

	"authserver/internal/authorize"
	"authserver/internal/oauth"
	"authserver/internal/pages"
	"authserver/internal/store"
	"authserver/internal/web"
)

// show shows a page if the request waits for it. If the request waits for another page, or for none
// because the person finished it in another tab, the browser is sent on.
func (s *SignIn) show(w http.ResponseWriter, r *http.Request, n *web.RequestInfo, page authorize.Page) error {
	sealed, err := continueOf(r)
	if err != nil {
		return err
	}
	v, err := s.resume(r, n, sealed)
	if err != nil {
		return err
	}
	if !s.Authorizer.Waits(v.flow, v.person, v.now, page) {
		return s.continueAt(w, AuthorizePath, v.now, v.flow.Continuation)
	}
	shown, err := s.document(v, page, sealed)
	if err != nil {
		return err
	}
	return s.Pages.Write(w, r, http.StatusOK, v.flow.Request.UILocales, shown)
}

func (s *SignIn) document(v visit, page authorize.Page, sealed string) (pages.Page, error) {
	client := clientOf(v.flow)
	switch page {
	case authorize.AccountsPage:
		user := v.person.User
		return pages.Accounts{
			Client: client, Form: s.form(AccountsPath, sealed, v.flow),
			Accounts: []pages.AccountChoice{{ID: user.ID, Name: user.Profile.Name, Username: user.Username}},
		}, nil
	case authorize.ConsentPage:
		c, err := v.flow.ShowConsent(v.person)
		if err != nil {
			return nil, err
		}
		if sealed, err = s.Authorizer.Seal(v.now, c); err != nil {
			return nil, err
		}
		return pages.Consent{
			Client: client, Form: s.form(ConsentPath, sealed, v.flow), User: nameOf(v.person.User), Groups: groups(v.flow.Grantable), AccountURI: s.Base + AccountPath,
		}, nil
	}
	c := v.flow.Continuation
	login := pages.Login{Client: client, Form: s.form(LoginPath, sealed, v.flow), Username: v.flow.Request.LoginHint, Fault: pages.LoginFault(c.Fault)}
	if c.Fault != "" {
		login.Username = c.Username
	}
	if v.person != nil && !v.person.Session.AuthTime().Before(c.LoginAfter) {
		login.Username, login.Again = v.person.User.Username, true
	}
	return login, nil
}

// nameOf is the name of a user, for a page.
func nameOf(u store.User) string {
	if u.Profile.Name == "" {
		return u.Username
	}
	return u.Profile.Name + " (" + u.Username + ")"
}

// submitted reads the form of a page.
func (s *SignIn) submitted(r *http.Request, n *web.RequestInfo) (oauth.Form, visit, error) {
	form, err := readForm(r, n)
	if err != nil {
		return form, visit{}, err
	}
	v, err := s.resume(r, n, form.Get("continue"))
	return form, v, err
}

// another is the moment after which a sign-in counts as another account.
func another(v visit) store.Moment {
	at := store.At(v.now)
	if v.person != nil && !at.After(v.person.Session.AuthTime()) {
		at = v.person.Session.AuthTime().Add(1)
	}
	return at
}
