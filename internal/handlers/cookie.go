package handlers

import (
	"net/http"

	"authserver/internal/oauth"
)

// Cookie is the cookie that has the secret of a session.
type Cookie struct {
	// Secure is set if the issuer uses https. Over http, which only a loopback address may use,
	// browsers do not keep a cookie whose name begins with __Host-.
	Secure bool
}

// maxCookies bounds the number of cookies of one name that are read.
const maxCookies = 8

// name is the name of the cookie. With the prefix, no other host and no page without TLS can set it
// (RFC 6265bis §4.1.3.2).
func (c Cookie) name() string {
	if c.Secure {
		return "__Host-session"
	}
	return "session"
}

// read returns the secret that a browser sent; "": none. It refuses two different ones, because
// signing in again would not remove the foreign one.
func (c Cookie) read(r *http.Request) (string, error) {
	secret, one := onlyCookie(r, c.name())
	if !one {
		return "", oauth.Fail(oauth.InvalidRequest, "cookie_twice",
			"the browser sent two different cookies for this site, of which another program on this machine has set one: delete the cookies of this site, and sign in again")
	}
	return secret, nil
}

// onlyCookie returns the value of the cookie of a name; "": none. It reports false if there are two
// different ones: another program on this machine may have set one of them.
func onlyCookie(r *http.Request, name string) (value string, one bool) {
	for i, cookie := range r.CookiesNamed(name) {
		if i == maxCookies || value != "" && cookie.Value != value {
			return "", false
		}
		value = cookie.Value
	}
	return value, true
}

// write gives the browser a secret. It keeps the cookie until it is closed, at most as long
// as the server has the session.
func (c Cookie) write(w http.ResponseWriter, secret string) {
	http.SetCookie(w, c.with(secret, 0))
}

// remove has the browser forget the secret.
func (c Cookie) remove(w http.ResponseWriter) { http.SetCookie(w, c.with("", -1)) }

func (c Cookie) with(secret string, age int) *http.Cookie {
	return &http.Cookie{ //nolint:gosec // G124: Secure is left out on loopback http alone, where browsers would not keep the cookie
		Name: c.name(), Value: secret, Path: "/", MaxAge: age, HttpOnly: true, Secure: c.Secure, SameSite: http.SameSiteLaxMode,
	}
}
