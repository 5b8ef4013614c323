package handlers

import (
	"net/http"

	"authserver/internal/sessions"
)

// stateName is the name of the cookie with the state of the browser, which the script of the page
// of [CheckSession] reads. The cookie gives no access.
func (c Cookie) stateName() string {
	if c.Secure {
		return "__Host-" + stateCookie
	}
	return stateCookie
}

const stateCookie = "browser-state"

// followState updates that cookie for the person who is signed in; nil: none. Only an answer to a
// client with session management sets it first, so other browsers never have one.
func (c Cookie) followState(w http.ResponseWriter, r *http.Request, p *sessions.Person, begins bool) {
	had := r.CookiesNamed(c.stateName())
	if len(had) == 0 && !begins {
		return
	}
	state, age := "", -1
	if p != nil {
		state, age = p.BrowserState(), 0
	}
	if len(had) == 1 && had[0].Value == state {
		return
	}
	cookie := &http.Cookie{ //nolint:gosec // G124: the script reads it in a frame of another site; Secure is left out on loopback http alone
		Name: c.stateName(), Value: state, Path: "/", MaxAge: age, Secure: c.Secure, SameSite: http.SameSiteLaxMode,
	}
	if c.Secure { // browsers accept SameSite=None only with Secure
		cookie.SameSite = http.SameSiteNoneMode
	}
	http.SetCookie(w, cookie)
}
