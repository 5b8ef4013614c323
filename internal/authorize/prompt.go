package authorize

import (
	"authserver/internal/oauth"
	"authserver/internal/sessions"
	"authserver/internal/store"
)

// Page names a page to which the person is sent.
type Page string

// The pages.
const (
	LoginPage    Page = "login"
	AccountsPage Page = "accounts"
	ConsentPage  Page = "consent"
)

// PromptInput is the input of a prompt's decision.
type PromptInput struct {
	Flow
	Person  *sessions.Person // nil: the browser is not signed in
	Consent *store.Consent   // of the person to the client; nil: none, or none that is valid
	Now     store.Moment
}

// Need says why a request needs the person.
type Need struct {
	Page    Page         // "": no page helps, and the client is refused
	Refusal *oauth.Error // the error for the client if no page may be shown
}

// Prompt decides whether a request needs the person, for one reason.
type Prompt interface {
	// Needs returns nil if it does not.
	Needs(s PromptInput) *Need
}

// signedInSince reports whether the person signed in at or after a moment.
func (s PromptInput) signedInSince(moment store.Moment) bool {
	return s.Person != nil && !s.Person.Session.AuthTime().Before(moment)
}
