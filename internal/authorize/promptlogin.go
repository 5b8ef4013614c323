package authorize

import (
	"time"

	"authserver/internal/oauth"
	"authserver/internal/store"
)

// LoginPrompt demands that the person has signed in recently enough, and is the person that the
// client asks for.
type LoginPrompt struct {
	// Subjects reads ID tokens; nil: the server makes none, and ignores a hint.
	Subjects Subjects
	FreshFor time.Duration // how long a person may take from the sign-in to the end
}

// Subjects maps a user to the subject that a client sees (OpenID Connect Core §8).
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

// recent reports whether the sign-in is not older than max_age. A sign-in for this request counts
// for FreshFor, because a person could never meet a max_age of a few seconds.
func (l LoginPrompt) recent(s PromptInput, fresh bool) bool {
	age := s.Now.Sub(s.Person.Session.AuthTime())
	return age <= s.Request.MaxAge || fresh && age <= l.FreshFor
}

// asWanted demands the person that the client asks for by id_token_hint or by the claim "sub"
// (OpenID Connect Core §3.1.2.2). If another person signed in for this request, asking again would
// not help.
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
	refused := oauth.Fail(oauth.LoginRequired, "login_other", "the person who is signed in is not the one that the request asks for")
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
