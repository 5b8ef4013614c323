package handlers

import (
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
	user.PasswordHash = hash
	// Read after the hash, which takes its time: a login meanwhile used the old password.
	now, id := store.At(e.Now()), telemetry.RequestID(r.Context())
	user.UpdatedAt = now
	change := store.Change{Actor: p.Actor(), Event: store.UserUpdated, At: now, RequestID: id}
	if err := e.Store.UpdateUser(r.Context(), user, change.Voiding(e.Revoker.User(&user, "password_changed"))); err != nil {
		return "", err
	}
	secret, renewed, err := e.Sessions.Begin(r.Context(), sessions.SignIn{
		User: user, Method: logins.MethodPassword, Device: r.UserAgent(), Address: n.From.Text, At: now, RequestID: id,
	}, p)
	if err != nil {
		return "", err
	}
	e.Cookie.write(w, secret)
	e.Cookie.followState(w, r, renewed, false)
	return "", e.remember(w, r, user.Username)
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
