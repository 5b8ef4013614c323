package authorize

import (
	"time"

	"authserver/internal/oauth"
	"authserver/internal/store"
)

// LoginPrompt wants the person to be signed in, recently enough, and to be the one that the client
// asks for.
type LoginPrompt struct {
	// Subjects knows what ID tokens say; nil: the server makes none, and a hint is ignored.
	Subjects Subjects
	FreshFor time.Duration // how long a person may take from the sign-in to the end
}

// Subjects knows under which subject a client knows a user (OpenID Connect Core §8).
type Subjects interface {
	// HintSubject returns the subject of an ID token of this server for the client, which may have
	// expired (OpenID Connect Core §3.1.2.1, "id_token_hint").
	HintSubject(client store.Client, idToken string) (subject string, err error)
	Subject(client store.Client, userID string) (subject string, err error)
}

// Needs implements [Prompt].
func (l LoginPrompt) Needs(s PromptInput) *Need {
	if s.Person == nil {
		return &Need{LoginPage, oauth.Fail(oauth.LoginRequired, "login_required", "the person has to sign in")}
	}
	fresh := s.signedInSince(s.Continuation.Began)
	switch {
	case s.Request.asks("login") && !fresh:
		return &Need{LoginPage, oauth.Fail(oauth.LoginRequired, "login_prompted", "the person has to sign in again: prompt=login asks for it")}
	case !s.signedInSince(s.Continuation.LoginAfter):
		return &Need{LoginPage, oauth.Fail(oauth.LoginRequired, "login_required", "the person has to sign in")}
	case s.Request.MaxAge >= 0 && !l.recent(s, fresh): // OpenID Connect Core §3.1.2.1
		return &Need{LoginPage, oauth.Fail(oauth.LoginRequired, "login_too_old", "the person has to sign in again: the sign-in is older than max_age")}
	}
	return l.asWanted(s, fresh)
}

// recent reports whether the sign-in is no older than max_age. One that the request itself
// led to counts a little longer, or else a max_age of a few seconds would never be reached.
func (l LoginPrompt) recent(s PromptInput, fresh bool) bool {
	age := s.Now.Sub(s.Person.Session.AuthTime())
	return age <= s.Request.MaxAge || fresh && age <= l.FreshFor
}

// asWanted wants the person to be the one that the client asks for by id_token_hint or by
// the claim "sub" (OpenID Connect Core §3.1.2.2). Where the person signed in as another for
// this very request, to ask again would not help.
func (l LoginPrompt) asWanted(s PromptInput, fresh bool) *Need {
	wanted, err := l.wanted(s)
	if err != nil {
		return &Need{Refusal: oauth.Fail(oauth.InvalidRequest, "id_token_hint_refused", "id_token_hint is not an ID token of this server for this client").Because(err)}
	}
	if wanted == "" {
		return nil
	}
	subject := s.Person.User.ID
	if l.Subjects != nil {
		if subject, err = l.Subjects.Subject(s.Client, subject); err != nil {
			return &Need{Refusal: oauth.Fail(oauth.ServerError, "client_subject", "the server cannot tell under which subject the client knows the person").Because(err)}
		}
	}
	refused := oauth.Fail(oauth.LoginRequired, "login_other", "another person is signed in than the one that the request asks for")
	switch {
	case subject == wanted:
		return nil
	case fresh:
		return &Need{Refusal: refused}
	}
	return &Need{LoginPage, refused}
}

// wanted is the subject that the client asks for; "": any.
func (l LoginPrompt) wanted(s PromptInput) (string, error) {
	if s.Request.IDTokenHint == "" || l.Subjects == nil {
		return s.Request.Claims.Subject, nil
	}
	return l.Subjects.HintSubject(s.Client, s.Request.IDTokenHint)
}
