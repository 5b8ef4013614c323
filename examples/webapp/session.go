package main

import (
	"crypto/rand"
	"html/template"
	"log/slog"
	"net/http"
	"sync"
	"time"

	"golang.org/x/oauth2"
)

const (
	sessionCookie = "webapp"
	sessionTTL    = 8 * time.Hour
)

// app is the application.
type app struct {
	issuer, clientID, secret string
	url                      string // of this application
	now                      func() time.Time

	mu       sync.Mutex
	sessions map[string]*session // by the value of the cookie; an application with replicas keeps them in its database
}

// session is a person who signed in here.
type session struct {
	person struct {
		Subject string `json:"sub"` // what to keep in a database: it never changes
		Name    string `json:"name"`
		Email   string `json:"email"`
	}
	idToken   string
	tokens    *oauth2.Token
	refreshed int
	until     time.Time
}

// begin signs a browser in, under a new cookie, so that a cookie that an attacker has planted is
// worthless.
func (a *app) begin(w http.ResponseWriter, r *http.Request, s *session) {
	a.end(w, r)
	a.mu.Lock()
	defer a.mu.Unlock()
	for value, old := range a.sessions {
		if a.now().After(old.until) {
			delete(a.sessions, value)
		}
	}
	value := random()
	s.until = a.now().Add(sessionTTL)
	a.sessions[value] = s
	a.setCookie(w, sessionCookie, value, sessionTTL)
}

// session returns the session of a browser; nil: it is not signed in.
func (a *app) session(r *http.Request) *session {
	cookie, err := r.Cookie(sessionCookie)
	if err != nil {
		return nil
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if s := a.sessions[cookie.Value]; s != nil && a.now().Before(s.until) {
		return s
	}
	return nil
}

// end signs a browser out.
func (a *app) end(w http.ResponseWriter, r *http.Request) {
	if cookie, err := r.Cookie(sessionCookie); err == nil {
		a.mu.Lock()
		delete(a.sessions, cookie.Value)
		a.mu.Unlock()
	}
	a.setCookie(w, sessionCookie, "", -time.Second)
}

// setCookie sets a cookie. An application on https sets Secure, and uses a name with __Host- in
// front.
func (a *app) setCookie(w http.ResponseWriter, name, value string, age time.Duration) {
	http.SetCookie(w, &http.Cookie{Name: name, Value: value, Path: "/", MaxAge: int(age.Seconds()), HttpOnly: true, SameSite: http.SameSiteLaxMode})
}

func random() string { return rand.Text() }

var page = template.Must(template.New("").Parse(`<!doctype html>
<html lang="en"><title>A web application</title><meta name="viewport" content="width=device-width">
<h1>A web application</h1>
{{with .}}<p>Signed in as <b id="name">{{.Name}}</b> ({{.Email}}). Refreshed: <b id="refreshed">{{.Refreshed}}</b></p>
<form method="post" action="/refresh"><button id="refresh">Refresh</button></form>
<form method="post" action="/logout"><button id="sign-out">Sign out</button></form>
{{else}}<p><a id="sign-in" href="/login">Sign in</a></p>{{end}}
`))

func (a *app) home(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	var shown any
	if s := a.session(r); s != nil {
		shown = struct {
			Name, Email string
			Refreshed   int
		}{s.person.Name, s.person.Email, s.refreshed}
	}
	if err := page.Execute(w, shown); err != nil {
		slog.Error("write the page", "error", err)
	}
}

// fail tells the person that the sign-in failed, and writes the reason to the log.
func (a *app) fail(w http.ResponseWriter, err error) {
	slog.Error("sign-in", "error", err)
	http.Error(w, "That did not work: "+err.Error(), http.StatusBadGateway)
}
