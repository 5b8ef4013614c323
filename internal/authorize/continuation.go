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

// Continuation is the state with which a sign-in continues after a page. It is sealed into the
// address of the page and stored nowhere else, so it survives other tabs, a reload, a restart and a
// change of the replica.
type Continuation struct {
	Request string       `json:"q"` // the parameters, as a query
	Began   store.Moment `json:"b"` // when the request first came
	// Signed is set if the parameters come from a request object that was verified.
	Signed bool `json:"o,omitempty"`
	// Pushed is the use that the answer of a pushed request records; zero: the request was not
	// pushed.
	Pushed store.Use `json:"p,omitzero"`
	// LoginAfter is when the person chose another account: the sign-in has to be later. Chosen is
	// the session, in hex, that the person chose.
	LoginAfter store.Moment `json:"l,omitzero"`
	Chosen     string       `json:"c,omitempty"`
	// User and Shown are the person to whom a consent page was shown, and a hash of what it showed.
	User  string `json:"u,omitempty"`
	Shown string `json:"s,omitempty"`
	// Username and Fault are what the login page shows after a failed attempt.
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
