package authorize

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"authserver/internal/oauth"
	"authserver/internal/sessions"
	"authserver/internal/store"
	"authserver/internal/tokens"
)

// Authorizer answers authorization requests.
type Authorizer struct {
	Issuer  string
	Clients store.Clients
	// Targets returns the part of a request that may be granted.
	Targets interface {
		Grantable(ctx context.Context, client store.Client, asked oauth.Scope, resources []string) (oauth.Grantable, error)
	}
	Consents interface {
		Consent(ctx context.Context, userID, clientID string) (store.Consent, error)
		SetConsent(ctx context.Context, c store.Consent, by store.Change) error
	}
	Families interface {
		CreateFamily(ctx context.Context, f store.Family, uses ...store.Use) error
		JoinSession(ctx context.Context, id store.SessionID, clientID string) error
	}
	// Uses records that a pushed request was answered, and reads that.
	Uses interface {
		UseOnce(ctx context.Context, uses ...store.Use) error
		AssertionUsed(ctx context.Context, issuer string, id [32]byte) (bool, error)
	}
	Objects  RequestObjects
	Tokens   FrontChannel
	IDTokens IDTokens
	Prompts  []Prompt // in the order in which they are asked
	Codes    *tokens.CodeCodec
	Envelope *tokens.Envelope // see NewEnvelope
	Pushed   *tokens.Envelope // see NewPushedEnvelope
	CodeTTL  time.Duration
	MaxTTL   time.Duration // of access tokens
	Clock    store.Clock   // that requests read their moment from
	Rand     io.Reader
}

// Flow is an authorization request on its way through the pages.
type Flow struct {
	Continuation Continuation
	Client       store.Client
	Request      Request
	Grantable    oauth.Grantable // the part of the request that the client may get
	redirectURI  string          // the destination of the answer
	fault        *oauth.Error    // the error that the client gets
}

// Destination returns the address to which the browser is sent at the end.
func (f Flow) Destination() string { return f.redirectURI }

// Begin reads a new request. Its error is for the person: the request names no valid client and
// redirect URI to which the error could go (RFC 6749 §4.1.2.1). It comes with the client, if that
// is known, for the log. Step sends all other errors to the client.
func (a *Authorizer) Begin(ctx context.Context, query string, now time.Time) (Flow, error) {
	if !namesPushed(query) {
		return a.check(ctx, Continuation{Request: query, Began: store.At(now)})
	}
	c, err := a.unseal(query, now)
	if err != nil {
		return Flow{}, err
	}
	return a.check(ctx, c)
}

// Resume reads a request that comes from a page, or returns to one. It checks the request again,
// because its client may have changed in the meantime.
func (a *Authorizer) Resume(ctx context.Context, sealed string, now time.Time) (Flow, error) {
	c, err := a.open(sealed)
	if err != nil {
		return Flow{}, err
	}
	if c.Pushed.Issuer != "" && !now.Before(c.Pushed.ExpiresAt) { // by then the record of its use is gone
		return Flow{}, refusePushed()
	}
	return a.check(ctx, c)
}

// check checks a request in two steps. Nothing is sent to the client until the client and the
// redirect URI have proved valid.
func (a *Authorizer) check(ctx context.Context, c Continuation) (Flow, error) {
	p := readParameters(c.Request)
	f := Flow{Continuation: c, Request: Request{Mode: ModeQuery, MaxAge: -1}}
	var err error
	if f.Client, err = a.client(ctx, p); err != nil {
		return Flow{}, err
	}
	known := Flow{Client: f.Client}
	p, object, err := a.resolve(ctx, &f, p)
	if err != nil {
		return known, err
	}
	f.Request.RedirectURI = p.get("redirect_uri")
	if f.redirectURI, err = redirectURI(f.Client, p); err != nil && object != nil {
		return known, object
	} else if err != nil {
		return known, err
	}
	var refused *oauth.Error
	if err := a.checkRest(ctx, &f, p, object); errors.As(err, &refused) {
		f.fault = refused
	} else if err != nil {
		return Flow{}, err
	}
	return f, nil
}

func (a *Authorizer) client(ctx context.Context, p parameters) (store.Client, error) {
	id := p.get("client_id")
	if id == "" {
		if p.fault != nil {
			return store.Client{}, p.fault
		}
		return store.Client{}, oauth.Fail(oauth.InvalidRequest, "authorization_client", "the request does not say which application sent you here: client_id is missing")
	}
	client, err := a.Clients.Client(ctx, id)
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		return store.Client{}, fmt.Errorf("look up the client: %w", err)
	}
	if err != nil || client.Disabled {
		return store.Client{}, oauth.Fail(oauth.UnauthorizedClient, "authorization_client",
			"the application that sent you here is not registered: an administrator can look up its client_id").Because(sent("client_id", id))
	}
	return client, nil
}

// sent is for the log alone: the value of a parameter, which an attacker may have written and the
// person is not shown.
func sent(parameter, value string) error {
	return fmt.Errorf("the request has %s", oauth.Quote(parameter, value))
}

// redirectURI returns the destination of the answer (RFC 6749 §3.1.2.3).
func redirectURI(client store.Client, p parameters) (string, error) {
	presented := p.get("redirect_uri")
	scope := strings.Fields(p.get("scope"))
	switch {
	case presented != "":
		if !registered(client.RedirectURIs, presented) {
			return "", oauth.Fail(oauth.InvalidRequest, "redirect_uri_unregistered",
				"redirect_uri is not one that the application is registered with: it has to be the same character by character, and an administrator can add it to the client").Because(sent("redirect_uri", presented))
		}
		return presented, nil
	case len(p.loose["redirect_uri"]) > 1:
		return "", p.fault
	case len(client.RedirectURIs) != 1 || slices.Contains(scope, "openid"): // OpenID Connect Core §3.1.2.1: REQUIRED
		return "", oauth.Fail(oauth.InvalidRequest, "redirect_uri_missing", "redirect_uri is missing: the application has to send one that it is registered with")
	}
	return client.RedirectURIs[0], nil
}

// checkRest makes the checks whose errors go to the client. The first is object, the error of the
// request object; nil: none.
func (a *Authorizer) checkRest(ctx context.Context, f *Flow, p parameters, object *oauth.Error) error {
	r := &f.Request
	if r.State = p.get("state"); len(r.State) > maxState {
		r.State = ""
		return oauth.Fail(oauth.InvalidRequest, "authorization_parameter_long", fmt.Sprintf("the parameter state is longer than %d bytes", maxState))
	}
	err := r.readResponse(p, f.Client)
	if object != nil {
		return object
	}
	if err != nil {
		return err
	}
	if err := requireObject(f); err != nil {
		return err
	}
	if err := r.read(p); err != nil {
		return err
	}
	if err := r.checkResponse(f.Client); err != nil {
		return err
	}
	if err := requirePushed(f); err != nil {
		return err
	}
	if err := requireChallenge(f.Client, *r); err != nil {
		return err
	}
	if r.MaxAge < 0 && f.Client.DefaultMaxAge > 0 { // OpenID Connect Dynamic Client Registration §2
		r.MaxAge = f.Client.DefaultMaxAge
	}
	asked := r.Scope
	if !r.answers("code") && asked != nil { // OpenID Connect Core §11: MUST ignore the offline_access request
		asked = asked.Without("offline_access")
	}
	if f.Grantable, err = a.Targets.Grantable(ctx, f.Client, asked, r.Resources); err != nil {
		return err
	}
	f.agreeToClaims()
	return nil
}

// Step is the next step: a page, or the answer to the client.
type Step struct {
	Page   Page // "": none
	Answer *Answer
	// For the log: the family that begins with the answer, or the refusal.
	Family  store.FamilyID
	Refused *oauth.Error
}

// Step asks the prompts in their order, and answers the client if none needs the person. person is
// nil if the browser is not signed in.
func (a *Authorizer) Step(ctx context.Context, f Flow, person *sessions.Person, now time.Time) (Step, error) {
	state, need := a.ask(f, person, now)
	switch {
	case need == nil:
		return a.grant(ctx, state)
	case need.Page == "":
		return a.refusal(f, need.Refusal), nil
	}
	used, err := a.used(ctx, f)
	switch {
	case err != nil:
		return Step{}, err
	case used:
		return a.refusal(f, pushedAgain()), nil
	}
	return Step{Page: need.Page}, nil
}

// Waits reports whether a request waits for the person on a page. If not, the browser returns to
// the authorization endpoint: the person may have finished the page in another tab.
func (a *Authorizer) Waits(f Flow, person *sessions.Person, now time.Time, page Page) bool {
	_, need := a.ask(f, person, now)
	return need != nil && need.Page == page
}

// ask asks the prompts. A need without a page is a refusal.
func (a *Authorizer) ask(f Flow, person *sessions.Person, now time.Time) (PromptInput, *Need) {
	state := PromptInput{Flow: f, Person: person, Now: store.At(now)}
	if f.fault != nil {
		return state, &Need{Refusal: f.fault}
	}
	if person != nil && person.Consent != nil && person.Consent.Live(state.Now) {
		state.Consent = person.Consent
	}
	for _, prompt := range a.Prompts {
		need := prompt.Needs(state)
		if need != nil && f.Request.asks("none") { // OpenID Connect Core §3.1.2.1: MUST NOT display a page
			need.Page = ""
		}
		if need != nil {
			return state, need
		}
	}
	return state, nil
}

func (a *Authorizer) refusal(f Flow, why *oauth.Error) Step {
	return Step{Answer: a.refuse(f, why), Refused: why}
}
