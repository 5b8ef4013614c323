package authorize

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"

	"authserver/internal/oauth"
	"authserver/internal/store"
	"authserver/internal/tokens"
)

const (
	// requestURN begins the request_uri of every pushed request (RFC 9126 §2.2).
	requestURN = "urn:ietf:params:oauth:request_uri:"
	// PushedTTL is how long a sign-in may begin with a pushed request. FAPI 2.0 §5.3.2.2 requires
	// less than ten minutes.
	PushedTTL = 5 * time.Minute
	// pushedMaxAge is how long the person may take from then on. The store remembers the use of the
	// request for that long.
	pushedMaxAge = 24 * time.Hour
)

// pushed is the content of the request_uri of a pushed request, so that it needs no row.
type pushed struct {
	Request string       `json:"q"`
	At      store.Moment `json:"a"`
	Signed  bool         `json:"o,omitempty"` // see Continuation
}

// NewPushedEnvelope seals pushed requests.
func NewPushedEnvelope(e tokens.Envelope) *tokens.Envelope {
	e.Purpose, e.MaxBytes = "pushed authorization request of authserver", MaxContinuation
	return &e
}

// secrets are the parameters of client authentication, which are no part of the request.
func secrets() []string {
	return []string{"client_secret", "client_assertion", "client_assertion_type"}
}

// Push stores the request of a client that has authenticated, and returns its request_uri (RFC 9126
// §2.1). jkt is the thumbprint of the key that the client proved with it, and the code is bound to
// that key (RFC 9449 §10.1); "": none.
func (a *Authorizer) Push(ctx context.Context, client store.Client, body, jkt string, now time.Time) (string, error) {
	form, err := oauth.ParseQuery(body)
	if err != nil {
		return "", err
	}
	if form.Has("request_uri") { // RFC 9126 §2.1: MUST NOT be provided
		return "", oauth.Fail(oauth.InvalidRequest, "pushed_request_uri", "a pushed request contains the parameters themselves: leave out request_uri")
	}
	query, err := url.ParseQuery(body)
	if err != nil {
		return "", asRefusal(err)
	}
	for _, secret := range secrets() {
		query.Del(secret)
	}
	query.Set("client_id", client.ID) // it may be in the header alone
	if jkt != "" {
		query.Set("dpop_jkt", jkt)
	}
	p := pushed{Request: query.Encode(), At: store.At(now)}
	flow, err := a.check(ctx, Continuation{Request: p.Request, Began: p.At, Pushed: store.Use{Issuer: store.PushedUses}})
	if err != nil {
		return "", err
	}
	if flow.fault != nil {
		return "", flow.fault
	}
	p.Signed = flow.Continuation.Signed
	if p.Request, err = withKey(flow, jkt); err != nil {
		return "", err
	}
	content, err := json.Marshal(p)
	if err != nil {
		return "", err
	}
	sealed, err := a.Pushed.Seal(now, content)
	if tokens.IsTooLarge(err) {
		return "", oauth.Fail(oauth.InvalidRequest, "pushed_request_large", "the pushed request has more than 5 KiB of parameters: send less")
	}
	return requestURN + sealed, err
}

// namesPushed reports whether a request refers to a pushed one, by its request_uri.
func namesPushed(query string) bool {
	return slices.ContainsFunc(strings.Split(query, "&"), func(pair string) bool {
		name, value, _ := strings.Cut(pair, "=")
		plain, err := url.QueryUnescape(value)
		return name == "request_uri" && err == nil && strings.HasPrefix(plain, requestURN)
	})
}

// unseal returns the request in a request_uri. Of the other parameters it uses only client_id (RFC
// 9126 §4). Its errors are for the person, because there is no redirect URI yet.
func (a *Authorizer) unseal(query string, now time.Time) (Continuation, error) {
	if len(query) > MaxContinuation+MaxRequest {
		return Continuation{}, refusePushed()
	}
	form, err := oauth.ParseQuery(query)
	if err != nil {
		return Continuation{}, err
	}
	if form.Has("request") { // RFC 9101 §5: MUST NOT be used together
		return Continuation{}, oauth.Fail(oauth.InvalidRequest, "request_twice", "send either request or request_uri")
	}
	sealed := strings.TrimPrefix(form.Get("request_uri"), requestURN)
	content, err := a.Pushed.Open(sealed)
	if err != nil {
		return Continuation{}, refusePushed().Because(err)
	}
	var p pushed
	if err := json.Unmarshal(content, &p); err != nil {
		return Continuation{}, refusePushed().Because(err)
	}
	if readParameters(p.Request).get("client_id") != form.Get("client_id") || now.Sub(p.At) >= PushedTTL {
		return Continuation{}, refusePushed()
	}
	return Continuation{
		Request: p.Request, Signed: p.Signed, Began: store.At(now),
		Pushed: store.Use{Issuer: store.PushedUses, ID: sha256.Sum256([]byte(sealed)), ExpiresAt: p.At.Add(pushedMaxAge)},
	}, nil
}

func refusePushed() *oauth.Error {
	return oauth.Fail(oauth.InvalidRequestURI, "pushed_request_refused", "request_uri does not belong to a request that this client pushed a short time ago: go back to the application and sign in again")
}

// used reports whether a pushed request was answered before, so that the person does not fill in
// pages in vain. Without a page, recording the use finds that out.
func (a *Authorizer) used(ctx context.Context, f Flow) (bool, error) {
	pushed := f.Continuation.Pushed
	if pushed == (store.Use{}) {
		return false, nil
	}
	used, err := a.Uses.AssertionUsed(ctx, pushed.Issuer, pushed.ID)
	if err != nil {
		return false, fmt.Errorf("look up whether the pushed request was answered: %w", err)
	}
	return used, nil
}

// pushedAgain refuses a pushed request that was answered (RFC 9126 §4).
func pushedAgain() *oauth.Error {
	return oauth.Fail(oauth.InvalidRequestURI, "pushed_request_used", "the pushed request was answered before: push it again")
}

// requirePushed demands pushed requests of a client of FAPI 2.0 (§5.3.2.2, item 1).
func requirePushed(f *Flow) error {
	if f.Client.Profile == store.ProfileFAPI2 && f.Continuation.Pushed.Issuer == "" {
		return oauth.Fail(oauth.InvalidRequest, "pushed_request_missing", "the profile of this client demands pushed requests: send the request to the pushed authorization request endpoint first (RFC 9126)")
	}
	return nil
}
