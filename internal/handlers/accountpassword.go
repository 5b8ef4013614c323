package handlers

import (
	"errors"
	"net/http"
	"slices"

	"authserver/internal/logins"
	"authserver/internal/oauth"
	"authserver/internal/pages"
	"authserver/internal/passwords"
	"authserver/internal/sessions"
	"authserver/internal/store"
	"authserver/internal/telemetry"
	"authserver/internal/web"
)

// changePassword changes the password of a person who knows the present one. That ends every
// session and family of the person; the session of this browser continues under a new secret.
func (e *Account) changePassword(w http.ResponseWriter, r *http.Request, n *web.RequestInfo, p *sessions.Person, form oauth.Form) (pages.AccountFault, error) {
	if form.Get("new") != form.Get("again") {
		return pages.PasswordDiffers, nil
	}
	user, fault, err := e.confirm(r, n, p, form.Get("current"))
	if fault != "" || err != nil {
		return fault, err
	}
	leave, err := e.enter(r, n, string(oauth.Password))
	if err != nil {
		return "", err
	}
	defer leave()
	hash, broken, err := e.NewPassword.Hash(r.Context(), form.Get("new"), user)
	if err != nil || broken != "" {
		return brokenRule(broken), err
	}
	user, fault, err = e.setPassword(r, p, user, hash)
	if fault != "" || err != nil {
		return fault, err
	}
	secret, renewed, err := e.Sessions.Begin(r.Context(), sessions.SignIn{
		User: user, Method: logins.MethodPassword, Device: r.UserAgent(), Address: n.From.Text, At: user.UpdatedAt, RequestID: telemetry.RequestID(r.Context()),
	}, p)
	if err != nil {
		return "", err
	}
	e.Cookie.write(w, secret)
	e.Cookie.followState(w, r, renewed, false)
	return "", e.remember(w, r, user.Username)
}

// setPassword stores the hash of a new password for a user whose present password was confirmed.
func (e *Account) setPassword(r *http.Request, p *sessions.Person, confirmed store.User, hash []byte) (store.User, pages.AccountFault, error) {
	for user := confirmed; ; {
		user.PasswordHash = hash
		// Read after the hash, which takes its time: a login meanwhile used the old password.
		user.UpdatedAt = store.At(e.Now())
		change := store.Change{Actor: p.Actor(), Event: store.UserUpdated, At: user.UpdatedAt, RequestID: telemetry.RequestID(r.Context())}
		err := e.Store.UpdateUser(r.Context(), user, change.Voiding(e.Revoker.User(&user, store.EndedByNewPassword)))
		if !errors.Is(err, store.ErrConflict) {
			return user, "", err
		}
		// Another change came first. If it ended the sessions of the user, as a new password does,
		// the confirmation no longer counts.
		if user, err = e.Store.User(r.Context(), confirmed.ID); err != nil {
			return user, "", err
		}
		if !user.NotBefore.Equal(confirmed.NotBefore) {
			return user, pages.PasswordWrong, nil
		}
	}
}

// confirm demands the present password. Guesses wait as at the login page.
func (e *Account) confirm(r *http.Request, n *web.RequestInfo, p *sessions.Person, password string) (store.User, pages.AccountFault, error) {
	leave, err := e.enter(r, n, string(oauth.Password))
	if err != nil {
		return store.User{}, "", err
	}
	defer leave()
	user, err := e.Password.Authenticate(r.Context(), logins.Attempt{
		Username: p.User.Username, Password: password, From: e.origin(r, n, p.User.Username), RequestID: telemetry.RequestID(r.Context()),
	})
	if err == nil {
		return user, "", nil
	}
	status, refused := web.Classify(err)
	switch {
	case refused.Code == oauth.InvalidGrant:
		n.Refusal = err
		return user, pages.PasswordWrong, nil
	case status == http.StatusTooManyRequests:
		n.Refusal = err
		return user, pages.PasswordSlow, nil
	}
	return user, "", err
}

// brokenRule returns the rule that a new password breaks, for the page.
func brokenRule(broken passwords.Reason) pages.AccountFault {
	switch broken {
	case passwords.TooShort:
		return pages.PasswordShort
	case passwords.TooLong:
		return pages.PasswordLong
	case passwords.Common:
		return pages.PasswordCommon
	}
	return pages.PasswordMalformed
}

// faultOf returns the fault that the address of the page names.
func faultOf(r *http.Request) pages.AccountFault {
	fault := pages.AccountFault(r.URL.Query().Get("fault"))
	if fault != pages.ProfileInvalid && !slices.Contains(pages.PasswordFaults(), fault) {
		return ""
	}
	return fault
}
