package handlers

import (
	"context"
	"errors"
	"net/http"
	"time"

	"authserver/internal/oidc"
	"authserver/internal/pages"
	"authserver/internal/store"
	"authserver/internal/telemetry"
	"authserver/internal/tokens"
	"authserver/internal/web"
)

// Paths of a logout.
const (
	EndSessionPath = "/oauth2/logout" // to which clients send the browser
	LogoutPath     = "/logout"        // the page that asks, and then confirms the logout
)

// Logout is GET and POST /oauth2/logout (OpenID Connect RP-Initiated Logout 1.0 §2), and GET
// and POST /logout.
type Logout struct {
	*SignIn
	Requests *oidc.Logouts
	// Ender ends a session of another browser than the present one.
	Ender interface {
		Session(ctx context.Context, by tokens.By, id store.SessionID) error
	}
}

// endSession takes a request of a client. It signs the person out at once if the ID token in the
// request belongs to the session; otherwise it asks.
func (e *Logout) endSession(w http.ResponseWriter, r *http.Request, n *web.RequestInfo) error {
	out, err := e.requested(r)
	if err != nil {
		return err
	}
	now := e.Now()
	n.Claimed = out.ClientID
	person, err := e.who(r, n, "", now)
	if err != nil {
		return err
	}
	if person == nil { // the session ended, but not by this browser
		e.Cookie.followState(w, r, nil, false)
	}
	switch named, is := out.NamedSession(); {
	case person != nil && out.NamesSession(person.Session.ID):
		if err := e.leave(w, r, person, store.EndedByClientLogout); err != nil {
			return err
		}
		out = out.WithEnded(person.Session.ID)
	case person != nil:
		return e.goTo(w, LogoutPath, now, out)
	case is: // the browser lost its cookie when it was closed, and the client kept the ID token
		by := tokens.By{Actor: store.Actor{Type: store.ActorClient, ID: out.ClientID}, RequestID: telemetry.RequestID(r.Context()), Reason: store.EndedByClientLogout}
		if err := e.Ender.Session(r.Context(), by, named); err != nil && !errors.Is(err, store.ErrNotFound) {
			return err
		}
		out = out.WithEnded(named)
	}
	return e.finish(w, r, now, out)
}

// requested reads a new request, and one that comes back from endSessionByForm.
func (e *Logout) requested(r *http.Request) (oidc.Logout, error) {
	if continues(r.URL.RawQuery) {
		return e.continued(r)
	}
	return e.Requests.Read(r.Context(), r.URL.RawQuery)
}

func (e *Logout) continued(r *http.Request) (oidc.Logout, error) {
	sealed, err := continueOf(r)
	if err != nil {
		return oidc.Logout{}, err
	}
	return e.Requests.Open(sealed)
}

// endSessionByForm takes a request in a form: see [readCrossSite].
func (e *Logout) endSessionByForm(w http.ResponseWriter, r *http.Request, n *web.RequestInfo) error {
	query, err := readCrossSite(r, n)
	if err != nil {
		return err
	}
	out, err := e.Requests.Read(r.Context(), query)
	if err != nil {
		return err
	}
	n.Claimed = out.ClientID
	return e.goTo(w, EndSessionPath, e.Now(), out)
}

// get asks the person, or confirms the logout.
func (e *Logout) get(w http.ResponseWriter, r *http.Request, n *web.RequestInfo) error {
	out, err := e.continued(r)
	if err != nil {
		return err
	}
	now := e.Now()
	n.Claimed = out.ClientID
	person, err := e.who(r, n, "", now)
	if err != nil {
		return err
	}
	if person == nil && !out.Ended {
		return e.finish(w, r, now, out)
	}
	client, err := e.client(r.Context(), out)
	if err != nil {
		return err
	}
	if person == nil {
		frames, err := e.Requests.Frames(r.Context(), out)
		if err != nil {
			return err
		}
		return e.Pages.Write(w, r, http.StatusOK, out.Locales, pages.LoggedOut{Client: client, ReturnURI: out.ReturnURI, Frames: frames})
	}
	sealed, err := e.Requests.Seal(now, out.WithAsked(person.Session.ID))
	if err != nil {
		return err
	}
	return e.Pages.Write(w, r, http.StatusOK, out.Locales, pages.Logout{
		Client: client, User: nameOf(person.User), Form: pages.Form{Action: e.Base + LogoutPath, Continue: sealed, Destination: out.ReturnURI},
	})
}

// post takes the decision of the person who was asked. If another person is signed in by now, the
// decision does not count.
func (e *Logout) post(w http.ResponseWriter, r *http.Request, n *web.RequestInfo) error {
	form, err := readForm(r, n)
	if err != nil {
		return err
	}
	out, err := e.Requests.Open(form.Get("continue"))
	if err != nil {
		return err
	}
	now := e.Now()
	n.Claimed = out.ClientID
	person, err := e.who(r, n, "", now)
	if err != nil {
		return err
	}
	switch {
	case person == nil:
		return e.finish(w, r, now, out)
	case !out.AskedIn(person.Session.ID):
		return e.goTo(w, LogoutPath, now, out)
	case form.Get("decision") == "no":
		redirect(w, e.Base+AccountPath)
		return nil
	case form.Get("decision") != "yes":
		return e.goTo(w, LogoutPath, now, out)
	}
	if err := e.leave(w, r, person, store.EndedBySignOut); err != nil {
		return err
	}
	return e.finish(w, r, now, out.WithEnded(person.Session.ID))
}

// left shows the end of a session that the person ended on another page.
func (e *Logout) left(w http.ResponseWriter, r *http.Request, id store.SessionID) error {
	return e.finish(w, r, e.Now(), oidc.Logout{}.WithEnded(id))
}

// client is the client of a request, for a page; the zero Client: none is known.
func (e *Logout) client(ctx context.Context, out oidc.Logout) (pages.Client, error) {
	client, err := e.Requests.Client(ctx, out)
	if err != nil || client.ID == "" {
		return pages.Client{}, err
	}
	return appOf(client, out.ReturnURI), nil
}

// finish sends the browser back to the client, or to the page that confirms the logout: always to
// the page if it has to notify clients first.
func (e *Logout) finish(w http.ResponseWriter, r *http.Request, now time.Time, out oidc.Logout) error {
	frames, err := e.Requests.Frames(r.Context(), out)
	if err != nil {
		return err
	}
	if out.ReturnURI != "" && len(frames) == 0 {
		redirect(w, out.ReturnURI)
		return nil
	}
	out.Ended = true
	return e.goTo(w, LogoutPath, now, out)
}

// goTo sends the browser to a path with the request.
func (e *Logout) goTo(w http.ResponseWriter, path string, now time.Time, out oidc.Logout) error {
	sealed, err := e.Requests.Seal(now, out)
	if err != nil {
		return err
	}
	redirect(w, e.Base+path+"?continue="+sealed)
	return nil
}
