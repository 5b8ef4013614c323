package handlers

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strings"

	"authserver/internal/logins"
	"authserver/internal/pages"
	"authserver/internal/sessions"
	"authserver/internal/store"
	"authserver/internal/tokens"
	"authserver/internal/web"
)

// AccountPath is the page of a person's own account. Its forms go to paths below it.
const AccountPath = "/account"

// endedHere says that the session of this browser ended.
const endedHere pages.AccountNotice = "left"

// maxShown bounds each list on the page.
const maxShown = 100

// Account is a person's own page: where they are signed in, and which apps have access.
type Account struct {
	*SignIn
	Store interface {
		ListSessions(ctx context.Context, p store.SessionPage) ([]store.Session, error)
		ListConsents(ctx context.Context, p store.ConsentPage) ([]store.Consent, error)
		User(ctx context.Context, id string) (store.User, error)
		UpdateUser(ctx context.Context, u store.User, by store.Change) error
	}
	NewPassword logins.NewPassword
	Clients     store.Clients
	Logout      *Logout // the end of a session of this browser
	Revoker     *tokens.Revoker
}

// person is the person who is signed in; nil: none.
func (e *Account) person(r *http.Request, n *web.RequestInfo) (*sessions.Person, error) {
	return e.who(r, n, "", e.Now())
}

func (e *Account) get(w http.ResponseWriter, r *http.Request, n *web.RequestInfo) error {
	p, err := e.person(r, n)
	if err != nil {
		return err
	}
	locales := r.URL.Query().Get("ui_locales")
	if p == nil {
		return e.Pages.Write(w, r, http.StatusOK, locales, pages.LoggedOut{})
	}
	page := pages.Account{
		Base: e.Base + AccountPath, Username: p.User.Username, Name: p.User.Profile.Name, Profile: profileOf(p.User),
		MinPassword: e.NewPassword.Policy.MinLength(), Fault: faultOf(r),
	}
	if page.Sessions, err = e.sessionsOf(r.Context(), p); err != nil {
		return err
	}
	if page.Apps, err = e.appsOf(r.Context(), p); err != nil {
		return err
	}
	notice := pages.AccountNotice(r.URL.Query().Get("done"))
	if slices.Contains([]pages.AccountNotice{pages.SessionEnded, pages.AppRemoved, pages.PasswordChanged, pages.ProfileSaved}, notice) {
		page.Notice = notice
	}
	return e.Pages.Write(w, r, http.StatusOK, locales, page)
}

// sessionsOf returns the active sessions of a person, the last used first.
func (e *Account) sessionsOf(ctx context.Context, p *sessions.Person) ([]pages.AccountSession, error) {
	rows, err := e.activeSessions(ctx, p)
	if err != nil {
		return nil, err
	}
	slices.SortStableFunc(rows, func(a, b store.Session) int { return b.SeenAt.Compare(a.SeenAt) })
	var shown []pages.AccountSession
	for _, s := range rows[:min(len(rows), maxShown)] {
		shown = append(shown, pages.AccountSession{
			ID: s.ID.String(), Device: s.Device, Address: s.Address, CreatedAt: s.CreatedAt, SeenAt: s.SeenAt, Current: s.ID == p.Session.ID,
		})
	}
	return shown, nil
}

// activeSessions returns all sessions of a person that have not ended.
func (e *Account) activeSessions(ctx context.Context, p *sessions.Person) ([]store.Session, error) {
	var living []store.Session
	for page := (store.SessionPage{UserID: p.User.ID, Limit: store.MaxPage}); ; {
		rows, err := e.Store.ListSessions(ctx, page)
		if err != nil {
			return nil, err
		}
		for _, s := range rows {
			page.After = s.ID
			if !s.Void(p.User, store.At(e.Now()), e.Sessions.Clock) {
				living = append(living, s)
			}
		}
		if len(rows) < page.Limit {
			return living, nil
		}
	}
}

// appsOf returns the apps that have access.
func (e *Account) appsOf(ctx context.Context, p *sessions.Person) ([]pages.AccountApp, error) {
	rows, err := e.Store.ListConsents(ctx, store.ConsentPage{UserID: p.User.ID, Limit: maxShown})
	if err != nil {
		return nil, err
	}
	var apps []pages.AccountApp
	for _, c := range rows {
		client, err := e.Clients.Client(ctx, c.ClientID)
		switch {
		case errors.Is(err, store.ErrNotFound), !c.Live(store.At(e.Now())): // it gives no access any more
			continue
		case err != nil:
			return nil, err
		}
		app := pages.AccountApp{ID: c.ClientID, GrantedAt: c.GrantedAt, Client: pages.Client{Name: client.Name, LogoURI: client.LogoURI}}
		if app.Client.Name == "" {
			app.Client.Name = c.ClientID
		}
		for _, scopes := range c.Scopes {
			for _, scope := range scopes {
				if shown := (pages.Scope{Name: scope}); !slices.Contains(app.Scopes, shown) {
					app.Scopes = append(app.Scopes, shown)
				}
			}
		}
		slices.SortFunc(app.Scopes, func(a, b pages.Scope) int { return strings.Compare(a.Name, b.Name) })
		apps = append(apps, app)
	}
	return apps, nil
}
