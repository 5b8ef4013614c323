package authorize

import (
	"authserver/internal/oauth"
	"authserver/internal/sessions"
	"authserver/internal/store"
)

// Page names a page that a person is sent to.
type Page string

// The pages.
const (
	LoginPage    Page = "login"
	AccountsPage Page = "accounts"
	ConsentPage  Page = "consent"
)

// PromptInput is what a prompt decides by.
type PromptInput struct {
	Flow
	Person  *sessions.Person // nil: the browser is not signed in
	Consent *store.Consent   // of the person to the client; nil: none, or none that counts
	Now     store.Moment
}

// Need is why the person is needed.
type Need struct {
	Page    Page         // ""; none helps, and the client is refused
	Refusal *oauth.Error // what the client is told where no page may be shown
}

// Prompt decides whether a request needs the person for one thing.
type Prompt interface {
	// Needs returns nil where it does not.
	Needs(s PromptInput) *Need
}

// signedInSince reports whether the person signed in at or after a moment.
func (s PromptInput) signedInSince(moment store.Moment) bool {
	return s.Person != nil && !s.Person.Session.AuthTime().Before(moment)
}
