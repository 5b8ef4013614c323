package handlers

import (
	"context"
	"net/http"
	"net/url"
	"time"

	"authserver/internal/admission"
	"authserver/internal/authorize"
	"authserver/internal/logins"
	"authserver/internal/oauth"
	"authserver/internal/oidc"
	"authserver/internal/pages"
	"authserver/internal/sessions"
	"authserver/internal/store"
	"authserver/internal/telemetry"
	"authserver/internal/tokens"
	"authserver/internal/web"
)

// Paths of the endpoints of a sign-in.
const (
	AuthorizePath = "/oauth2/authorize"
	LoginPath     = "/login"
	AccountsPath  = "/accounts"
	ConsentPath   = "/consent"
)

// KindSignIn is the kind of the requests of people, in addition to those of clients.
const KindSignIn = "sign_in"

// SignIn has the parts that the endpoints of a sign-in share. The address of each page contains the
// state of the request: the server stores nothing.
type SignIn struct {
	Authorizer *authorize.Authorizer
	Sessions   *sessions.Sessions
	Password   logins.Password
	Pages      *web.Pages
	Cookie     Cookie
	Devices    *tokens.DeviceCookies
	Base       string // path of the issuer, "" of most
	// Gates bound the number of requests at once: KindSignIn for all of them, and the grant
	// "password" for those that compare a password; nil: no bound.
	Gates map[string]*admission.Gate
	Limit time.Duration // of a request
	Now   func() time.Time
}

// enter waits for a turn.
func (s *SignIn) enter(r *http.Request, n *web.RequestInfo, kind string) (leave func(), err error) {
	gate := s.Gates[kind]
	if gate == nil {
		return func() {}, nil
	}
	by := n.From.Share
	if err := gate.Enter(r.Context(), by); err != nil {
		return nil, err
	}
	return func() { gate.Leave(by) }, nil
}

// page is an endpoint of our own pages, whose forms no other site may send.
func (s *SignIn) page(serve web.Endpoint) web.Endpoint {
	return func(w http.ResponseWriter, r *http.Request, n *web.RequestInfo) error {
		return s.Pages.Serve(s.bounded(serve))(w, r, n)
	}
}

// errors is an endpoint whose errors are pages.
func (s *SignIn) errors(serve web.Endpoint) web.Endpoint {
	return func(w http.ResponseWriter, r *http.Request, n *web.RequestInfo) error {
		return s.Pages.Errors(s.bounded(serve))(w, r, n)
	}
}

// asset is GET /assets/NAME.
func (s *SignIn) asset(w http.ResponseWriter, r *http.Request, n *web.RequestInfo) error {
	return s.Pages.Asset(w, r, n)
}

// bounded gives an endpoint a turn and a deadline.
func (s *SignIn) bounded(serve web.Endpoint) web.Endpoint {
	return func(w http.ResponseWriter, r *http.Request, n *web.RequestInfo) error {
		leave, err := s.enter(r, n, KindSignIn)
		if err != nil {
			return err
		}
		defer leave()
		if s.Limit > 0 {
			ctx, cancel := context.WithTimeout(r.Context(), s.Limit)
			defer cancel()
			r = r.WithContext(ctx)
		}
		return serve(w, r, n)
	}
}

// visit is a request, and the person who makes it.
type visit struct {
	flow   authorize.Flow
	person *sessions.Person // nil: the browser is not signed in
	now    time.Time
}

// resume reads a request that comes from a page.
func (s *SignIn) resume(r *http.Request, n *web.RequestInfo, sealed string) (visit, error) {
	v := visit{now: s.Now()}
	var err error
	if v.flow, err = s.Authorizer.Resume(r.Context(), sealed, v.now); err != nil {
		return v, err
	}
	return v, s.look(r, n, &v)
}

// look finds the person who is signed in.
func (s *SignIn) look(r *http.Request, n *web.RequestInfo, v *visit) error {
	n.Claimed = v.flow.Client.ID
	var err error
	v.person, err = s.who(r, n, v.flow.Client.ID, v.now)
	return err
}

// who returns the person who is signed in, with the consent to a client ("": no client); nil: the
// browser is not signed in.
func (s *SignIn) who(r *http.Request, n *web.RequestInfo, clientID string, now time.Time) (*sessions.Person, error) {
	secret, err := s.Cookie.read(r)
	if err != nil {
		return nil, err
	}
	p, err := s.Sessions.Find(r.Context(), secret, clientID, now)
	if p != nil {
		n.Subject, n.Username = p.User.ID, p.User.Username
	}
	return p, err
}

// leave ends the session of this browser, and removes its cookie.
func (s *SignIn) leave(w http.ResponseWriter, r *http.Request, p *sessions.Person, reason string) error {
	if err := s.Sessions.End(r.Context(), p, reason, telemetry.RequestID(r.Context())); err != nil {
		return err
	}
	s.Cookie.remove(w)
	s.Cookie.followState(w, r, nil, false)
	return nil
}

// continueAt sends the browser to a page, or back to the authorization endpoint.
func (s *SignIn) continueAt(w http.ResponseWriter, path string, now time.Time, c authorize.Continuation) error {
	sealed, err := s.Authorizer.Seal(now, c)
	if err != nil {
		return err
	}
	redirect(w, s.Base+path+"?continue="+sealed)
	return nil
}

// step asks what comes next, and does it.
func (s *SignIn) step(w http.ResponseWriter, r *http.Request, n *web.RequestInfo, v visit) error {
	step, err := s.Authorizer.Step(r.Context(), v.flow, v.person, v.now)
	if err != nil {
		return err
	}
	s.Cookie.followState(w, r, v.person, step.Answer != nil && step.Answer.SessionState())
	if step.Page != "" {
		return s.continueAt(w, pagePath(step.Page), v.now, v.flow.Continuation)
	}
	return s.answer(w, r, n, v.flow, step)
}

// answer hands the answer to the client.
func (s *SignIn) answer(w http.ResponseWriter, r *http.Request, n *web.RequestInfo, f authorize.Flow, step authorize.Step) error {
	if !step.Family.IsZero() {
		n.Family = step.Family.String()
	}
	if step.Refused != nil {
		n.Refusal = step.Refused
	}
	if step.Answer.Mode != authorize.ModeFormPost {
		redirect(w, step.Answer.Location())
		return nil
	}
	page := pages.FormPost{Client: clientOf(f), RedirectURI: step.Answer.RedirectURI}
	for _, field := range step.Answer.Fields {
		page.Fields = append(page.Fields, pages.Field{Name: field.Name, Value: field.Value})
	}
	return s.Pages.Write(w, r, http.StatusOK, f.Request.UILocales, page)
}

// form is the form of a page: its destination and its continuation.
func (s *SignIn) form(path, sealed string, f authorize.Flow) pages.Form {
	return pages.Form{Action: s.Base + path, Continue: sealed, Destination: f.Destination()}
}

// clientOf describes the app of a request, for a page.
func clientOf(f authorize.Flow) pages.Client { return appOf(f.Client, f.Destination()) }

// appOf describes an app, and the destination of the browser, for a page.
func appOf(c store.Client, leadsTo string) pages.Client {
	client := pages.Client{Name: c.Name, LogoURI: c.LogoURI, PolicyURI: c.PolicyURI, TermsURI: c.TermsURI}
	if client.Name == "" {
		client.Name = c.ID
	}
	if u, err := url.Parse(leadsTo); err == nil {
		client.Host = u.Host
	}
	return client
}

func pagePath(page authorize.Page) string {
	switch page {
	case authorize.AccountsPage:
		return AccountsPath
	case authorize.ConsentPage:
		return ConsentPath
	}
	return LoginPath
}

// redirect sends the browser on by GET, for any method of the request (RFC 9700 §4.12).
func redirect(w http.ResponseWriter, location string) {
	header := w.Header()
	header.Set("Location", location)
	header.Set("Cache-Control", "no-store")
	header.Set("Referrer-Policy", "no-referrer") // RFC 9700 §4.2.4: the address has a code or a request in it
	w.WriteHeader(http.StatusSeeOther)
}

// continueOf reads the parameter "continue" of a page. If the query is too long for that, it returns
// a text that is not sealed, so that opening it is refused.
func continueOf(r *http.Request) (string, error) {
	if len(r.URL.RawQuery) > 2*max(authorize.MaxContinuation, oidc.MaxSealedLogout) {
		return "damaged", nil
	}
	query, err := oauth.ParseQuery(r.URL.RawQuery)
	return query.Get("continue"), err
}
