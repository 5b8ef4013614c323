package oidc

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"time"

	"authserver/internal/oauth"
	"authserver/internal/store"
	"authserver/internal/tokens"
)

// Bounds of a request to sign out, in bytes.
const (
	maxLogout      = maxHint + maxLogoutText
	maxLogoutText  = 8 << 10 // of all but the hint
	maxLogoutState = 2 << 10
	maxLogoutShort = 512 // of a short parameter
)

// MaxSealedLogout bounds a sealed request to sign out, in bytes.
const MaxSealedLogout = 8 << 10

// Logouts reads the requests of clients to sign a person out (OpenID Connect RP-Initiated
// Logout 1.0 §2).
type Logouts struct {
	Clients store.Clients
	// Store returns the clients that took part in a session.
	Store interface {
		SessionClients(ctx context.Context, id store.SessionID) ([]string, error)
	}
	Hints    Hints
	Envelope *tokens.Envelope
}

// NewLogoutEnvelope seals requests to sign out.
func NewLogoutEnvelope(e tokens.Envelope) *tokens.Envelope {
	e.Purpose, e.MaxBytes = "authserver logout", MaxSealedLogout
	return &e
}

// Logout is a request to sign a person out. It is sealed into the address of each page and stored
// nowhere else. The zero Logout is the request of a person without a client.
type Logout struct {
	ClientID  string `json:"c,omitempty"` // "": none is known
	ReturnURI string `json:"r,omitempty"` // the URI to which the browser goes at the end; "": a page of this server
	Locales   string `json:"l,omitempty"` // of the pages (ui_locales)
	// Session is the session, in hex, of the ID token in the request; "": none.
	Session string `json:"s,omitempty"`
	// AskedSession is the session, in hex, of the person who is asked.
	AskedSession string `json:"a,omitempty"`
	Ended        bool   `json:"e,omitempty"` // the person is signed out
	// EndedSession is the session, in hex, that ended. The page notifies its clients with frames;
	// "": none.
	EndedSession string `json:"o,omitempty"`
}

// NamesSession reports whether the client named the session by an ID token, so that the person need
// not be asked (§2).
func (o Logout) NamesSession(id store.SessionID) bool { return o.Session == id.String() }

// AskedIn reports whether the person was asked with this session.
func (o Logout) AskedIn(id store.SessionID) bool { return o.AskedSession == id.String() }

// WithAsked returns the request for a page that asks the person about the session.
func (o Logout) WithAsked(id store.SessionID) Logout {
	o.AskedSession, o.Ended = id.String(), false
	return o
}

// NamedSession returns the session that the client named by an ID token.
func (o Logout) NamedSession() (id store.SessionID, ok bool) {
	return store.ParseSessionID(o.Session)
}

// WithEnded returns the request after a session ended.
func (o Logout) WithEnded(id store.SessionID) Logout {
	o.EndedSession = id.String()
	return o
}

// Read reads the parameters of a request, a query or the body of a form. A refusal is for the
// person: the browser goes to no URI before the client proved valid.
func (l *Logouts) Read(ctx context.Context, text string) (Logout, error) {
	if len(text) > maxLogout {
		return Logout{}, logoutTooLarge()
	}
	form, err := oauth.ParseQuery(text)
	if err != nil {
		return Logout{}, err
	}
	for _, most := range []struct {
		name  string
		bytes int
	}{{"state", maxLogoutState}, {"logout_hint", maxLogoutShort}, {"ui_locales", maxLogoutShort}} {
		if len(form.Get(most.name)) > most.bytes {
			return Logout{}, oauth.Fail(oauth.InvalidRequest, "logout_parameter_long", fmt.Sprintf("the parameter %s is longer than %d bytes", most.name, most.bytes))
		}
	}
	out := Logout{Locales: form.Get("ui_locales")}
	known, err := l.readHint(&out, form)
	if err != nil {
		return Logout{}, err
	}
	client, err := l.client(ctx, out.ClientID)
	if err != nil {
		return Logout{}, err
	}
	returnURI := form.Get("post_logout_redirect_uri")
	switch {
	case returnURI == "", !known && out.ClientID == "": // the person can sign out without a client
	case out.ClientID == "":
		return Logout{}, oauth.Fail(oauth.InvalidRequest, "logout_client_missing",
			"the request does not say which application sent you here: post_logout_redirect_uri needs an id_token_hint or a client_id beside it")
	case !slices.Contains(client.PostLogoutRedirectURIs, returnURI): // §3: exactly
		return Logout{}, oauth.Fail(oauth.InvalidRequest, "post_logout_redirect_uri_unregistered",
			"post_logout_redirect_uri is not one that the application is registered with: it has to be the same character by character, and an administrator can add it to the client").
			Because(fmt.Errorf("client %q sent %s", out.ClientID, oauth.Quote("post_logout_redirect_uri", returnURI)))
	default:
		out.ReturnURI = withState(returnURI, form.Get("state"))
	}
	return out, nil
}

// readHint reads the client and the session from the ID token. known is false if this server no
// longer knows the key of the ID token, which then proves nothing.
func (l *Logouts) readHint(out *Logout, form oauth.Form) (known bool, err error) {
	out.ClientID = form.Get("client_id")
	if !form.Has("id_token_hint") {
		return true, nil
	}
	hint, err := l.Hints.Read(form.Get("id_token_hint"))
	if errors.As(err, &unpublished{}) {
		return false, nil
	}
	if err != nil {
		return false, oauth.Fail(oauth.InvalidRequest, "logout_hint_refused",
			"id_token_hint is no ID token of this server: the application has to send the last ID token that it got, decrypted if it was encrypted, or none").Because(err)
	}
	switch {
	case out.ClientID == "":
		out.ClientID = hint.Audience[0]
	case !slices.Contains(hint.Audience, out.ClientID): // §2: MUST
		return false, oauth.Fail(oauth.InvalidRequest, "logout_client_differs", "client_id is not the client that id_token_hint was made for: the application has to send an ID token of its own")
	}
	out.Session = hint.SessionID
	return true, nil
}

// client looks up the client of a request; the zero Client: the request names none.
func (l *Logouts) client(ctx context.Context, id string) (store.Client, error) {
	if id == "" {
		return store.Client{}, nil
	}
	client, err := l.Clients.Client(ctx, id)
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		return store.Client{}, fmt.Errorf("look up the client: %w", err)
	}
	if err != nil || client.Disabled {
		return store.Client{}, oauth.Fail(oauth.UnauthorizedClient, "logout_client",
			"the application that sent you here is not registered: an administrator can look up its client_id")
	}
	return client, nil
}

// Client returns the client of a request, for a page; the zero Client: none is known, or it was
// deleted.
func (l *Logouts) Client(ctx context.Context, out Logout) (store.Client, error) {
	client, err := l.client(ctx, out.ClientID)
	var refused *oauth.Error
	if errors.As(err, &refused) {
		return store.Client{}, nil
	}
	return client, err
}

// Seal returns the parameter "continue" of a page.
func (l *Logouts) Seal(now time.Time, out Logout) (string, error) {
	content, err := json.Marshal(out)
	if err != nil {
		return "", err
	}
	text, err := l.Envelope.Seal(now, content)
	if tokens.IsTooLarge(err) {
		return "", logoutTooLarge()
	}
	return text, err
}

// Open reads the parameter "continue"; "": the person opened the page.
func (l *Logouts) Open(sealed string) (Logout, error) {
	var out Logout
	if sealed == "" {
		return out, nil
	}
	content, err := l.Envelope.Open(sealed)
	if err == nil {
		err = json.Unmarshal(content, &out)
	}
	if err != nil {
		return Logout{}, oauth.Fail(oauth.InvalidRequest, "logout_continuation_refused",
			"the address of this page is damaged or too old: sign out at the application again").Because(err)
	}
	return out, nil
}

func logoutTooLarge() error {
	return oauth.Fail(oauth.InvalidRequest, "logout_too_large", fmt.Sprintf("the logout request is too large: it may have %d bytes, not counting id_token_hint", maxLogoutText))
}

// withState adds the parameter "state" to the registered URI.
func withState(uri, state string) string {
	if state == "" {
		return uri
	}
	return oauth.AddQuery(uri, "state="+url.QueryEscape(state))
}
