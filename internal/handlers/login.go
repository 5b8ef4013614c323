package handlers

import (
	"net/http"
	"time"

	"authserver/internal/authorize"
	"authserver/internal/logins"
	"authserver/internal/oauth"
	"authserver/internal/pages"
	"authserver/internal/sessions"
	"authserver/internal/store"
	"authserver/internal/telemetry"
	"authserver/internal/web"
)

// Login is GET and POST /login.
type Login struct{ *SignIn }

func (e Login) get(w http.ResponseWriter, r *http.Request, n *web.RequestInfo) error {
	return e.show(w, r, n, authorize.LoginPage)
}

// post authenticates a person by password. In either case the browser continues with GET, so that a
// reload does not send the password again.
func (e Login) post(w http.ResponseWriter, r *http.Request, n *web.RequestInfo) error {
	form, v, err := e.submitted(r, n)
	if err != nil {
		return err
	}
	user, fault, err := e.authenticate(r, n, form)
	if err != nil {
		return err
	}
	c := v.flow.Continuation
	c.Username, c.Fault = form.Get("username"), string(fault)
	if len(c.Username) > store.MaxNameLength {
		c.Username = ""
	}
	if fault != "" {
		return e.continueAt(w, LoginPath, v.now, c)
	}
	at := v.now
	for _, earliest := range []time.Time{c.Began, c.LoginAfter} { // by the clock of another replica
		if at.Before(earliest) {
			at = earliest
		}
	}
	secret, person, err := e.Sessions.Begin(r.Context(), sessions.SignIn{
		User: user, Method: logins.MethodPassword, Device: r.UserAgent(), Address: n.From.Text, At: at, RequestID: telemetry.RequestID(r.Context()),
	}, v.person)
	if err != nil {
		return err
	}
	n.Subject, n.Username = person.User.ID, person.User.Username
	e.Cookie.write(w, secret)
	e.Cookie.followState(w, r, person, false)
	if err := e.remember(w, r, person.User.Username); err != nil {
		return err
	}
	c.Username = ""
	return e.continueAt(w, AuthorizePath, v.now, c)
}

// authenticate returns the user, or the fault that the page shows.
func (e Login) authenticate(r *http.Request, n *web.RequestInfo, form oauth.Form) (store.User, pages.LoginFault, error) {
	if !form.Has("username") || !form.Has("password") {
		return store.User{}, pages.LoginBlank, nil
	}
	leave, err := e.enter(r, n, string(oauth.Password))
	if err == nil {
		defer leave()
		var user store.User
		user, err = e.Password.Authenticate(r.Context(), logins.Attempt{
			Username: form.Get("username"), Password: form.Get("password"), From: e.origin(r, n, form.Get("username")),
			RequestID: telemetry.RequestID(r.Context()),
		})
		n.Subject, n.Username = user.ID, user.Username
		if err == nil {
			return user, "", nil
		}
	}
	status, refused := web.Classify(err)
	n.Refusal = err
	switch {
	case refused.Code == oauth.InvalidGrant:
		return store.User{}, pages.LoginWrong, nil
	case status == http.StatusTooManyRequests:
		return store.User{}, pages.LoginSlow, nil
	case status == http.StatusServiceUnavailable:
		return store.User{}, pages.LoginBusy, nil
	}
	return store.User{}, "", err
}
