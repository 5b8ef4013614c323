package authorize

import (
	"encoding/json"
	"time"

	"authserver/internal/oauth"
	"authserver/internal/store"
	"authserver/internal/tokens"
)

// MaxContinuation bounds a sealed continuation, in bytes.
const MaxContinuation = 8 << 10

// Continuation is what a sign-in goes on with after a page. It is sealed into the address
// of the page, and kept nowhere else: tabs, a reload, a restart and another replica all
// have it.
type Continuation struct {
	Request string       `json:"q"` // the parameters, as a query
	Began   store.Moment `json:"b"` // when the request first came
	// Signed is set where the parameters are those of a request object that was checked.
	Signed bool `json:"o,omitempty"`
	// Pushed is what a pushed request is used up by when it is answered; zero: it was not
	// pushed.
	Pushed store.Use `json:"p,omitzero"`
	// LoginAfter is when the person chose to go on with another account: a sign-in has to be
	// later. Chosen is the session, in hex, with which the person chose to go on.
	LoginAfter store.Moment `json:"l,omitzero"`
	Chosen     string       `json:"c,omitempty"`
	// User and Shown say to whom a consent page was shown, and what was on it.
	User  string `json:"u,omitempty"`
	Shown string `json:"s,omitempty"`
	// Username and Fault are what the login page begins with after an attempt that failed.
	Username string `json:"n,omitempty"`
	Fault    string `json:"f,omitempty"`
}

// NewEnvelope seals continuations.
func NewEnvelope(e tokens.Envelope) *tokens.Envelope {
	e.Purpose, e.MaxBytes = "authserver sign-in continuation", MaxContinuation
	return &e
}

// Seal returns the parameter "continue" of a page.
func (a *Authorizer) Seal(now time.Time, c Continuation) (string, error) {
	content, err := json.Marshal(c)
	if err != nil {
		return "", err
	}
	text, err := a.Envelope.Seal(now, content)
	if tokens.IsTooLarge(err) {
		return "", oauth.Fail(oauth.InvalidRequest, "authorization_too_large",
			"the authorization request is too large for an address: send it to the pushed authorization request endpoint first (RFC 9126)")
	}
	return text, err
}

// open reads the parameter "continue".
func (a *Authorizer) open(sealed string) (Continuation, error) {
	var c Continuation
	content, err := a.Envelope.Open(sealed)
	if err == nil {
		err = json.Unmarshal(content, &c)
	}
	if err != nil {
		return Continuation{}, oauth.Fail(oauth.InvalidRequest, "continuation_refused",
			"the address of this page is damaged or too old: go back to the application and sign in again").Because(err)
	}
	return c, nil
}
