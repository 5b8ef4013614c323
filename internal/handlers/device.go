package handlers

import (
	"net/http"
	"time"

	"authserver/internal/attempts"
	"authserver/internal/logins"
	"authserver/internal/web"
)

// deviceAge is the lifetime of the cookie: the longest that browsers allow (RFC 6265bis §5.5).
const deviceAge = 400 * 24 * time.Hour

// deviceName is the name of the cookie by which a browser shows that a person signed in with
// it before: see [tokens.DeviceCookies].
func (c Cookie) deviceName() string {
	if c.Secure {
		return "__Host-device"
	}
	return "device"
}

// readDevice returns the device cookie; "": none.
func (c Cookie) readDevice(r *http.Request) string {
	value, _ := onlyCookie(r, c.deviceName())
	return value
}

// origin is the origin of an attempt to sign in with a username.
func (s *SignIn) origin(r *http.Request, n *web.RequestInfo, username string) attempts.Origin {
	from := attempts.Origin{Share: n.From.Share}
	from.Device, _ = s.Devices.Name(s.Cookie.readDevice(r), logins.Account(username))
	return from
}

// remember gives the browser a device cookie, which proves later that the person signed in with it.
// Only a sign-in sets the cookie.
func (s *SignIn) remember(w http.ResponseWriter, r *http.Request, username string) error {
	value, err := s.Devices.Add(s.Now(), s.Cookie.readDevice(r), logins.Account(username))
	if err != nil {
		return err
	}
	http.SetCookie(w, &http.Cookie{ //nolint:gosec // G124: Secure is left out on loopback http alone, as for the session
		Name: s.Cookie.deviceName(), Value: value, Path: "/", MaxAge: int(deviceAge / time.Second), HttpOnly: true, Secure: s.Cookie.Secure,
		SameSite: http.SameSiteLaxMode,
	})
	return nil
}
