package authorize

import (
	"context"
	"encoding/json"
	"errors"
	"net/url"
	"slices"
	"time"

	"authserver/internal/oauth"
	"authserver/internal/store"
)

// RequestObjects checks signed request objects (RFC 9101).
type RequestObjects interface {
	// Open returns the claims of an object that the client signed. A refusal is an
	// [oauth.Error].
	Open(ctx context.Context, now time.Time, client store.Client, object string) (map[string]any, error)
}

// resolve uses the parameters of the request object, if there is one, and ignores all others (RFC
// 9101 §6.3). The continuation then has these parameters, so the object is verified once, when it
// comes. An error in the object is for the client.
func (a *Authorizer) resolve(ctx context.Context, f *Flow, p parameters) (parameters, *oauth.Error, error) {
	if f.Continuation.Signed || p.fault != nil || !p.form.Has("request") {
		return p, nil, nil //nolint:nilerr // what is wrong with the request is told with the rest of it
	}
	if p.form.Has("request_uri") { // RFC 9101 §5: MUST NOT be used together
		return p, oauth.Fail(oauth.InvalidRequest, "request_twice", "send either request or request_uri"), nil
	}
	claims, err := a.Objects.Open(ctx, f.Continuation.Began, f.Client, p.form.Get("request"))
	var query url.Values
	if err == nil {
		query, err = objectParameters(claims, f.Client.ID)
	}
	var refused *oauth.Error
	switch {
	case errors.As(err, &refused) && refused.Code != oauth.Unavailable:
		return p, refused, nil
	case err != nil:
		return p, nil, err
	}
	f.Continuation.Request, f.Continuation.Signed = query.Encode(), true
	return readParameters(f.Continuation.Request), nil, nil
}

// claimsOfJWT are the claims of a request object that describe the object itself.
func claimsOfJWT() []string { return []string{"iss", "aud", "sub", "exp", "nbf", "iat", "jti"} }

// objectParameters are the parameters that a request object has (RFC 9101 §4): text as it is, and
// any other value as JSON, except that resource may be an array (RFC 8707 §2).
func objectParameters(claims map[string]any, clientID string) (url.Values, error) {
	query := url.Values{}
	for name, value := range claims {
		if slices.Contains(claimsOfJWT(), name) || slices.Contains(secrets(), name) {
			continue
		}
		if name == "request" || name == "request_uri" { // RFC 9101 §4: MUST NOT be included
			return nil, refuseObject("it has the claim " + name + ", which it must not have")
		}
		values := []any{value}
		if list, is := value.([]any); is && (name == "resource" || name == "audience") {
			values = list
		}
		for _, value := range values {
			text, is := value.(string)
			if !is {
				encoded, err := json.Marshal(value)
				if err != nil {
					return nil, refuseObject("a claim of it cannot be read")
				}
				text = string(encoded)
			}
			query.Add(name, text)
		}
	}
	if query.Has("client_id") && query.Get("client_id") != clientID { // RFC 9101 §6.3: MUST be identical
		return nil, refuseObject("its client_id is not that of the request")
	}
	query.Set("client_id", clientID)
	return query, nil
}

func refuseObject(why string) *oauth.Error {
	return oauth.Fail(oauth.InvalidRequestObject, "request_object_refused", "the request object is not accepted: "+why)
}

// requireObject demands a signed request object of a client that is registered for them (RFC 9101
// §10.5).
func requireObject(f *Flow) error {
	if f.Client.RequireSignedRequestObject && !f.Continuation.Signed {
		return oauth.Fail(oauth.InvalidRequest, "request_object_missing", "this client may send signed requests only: send the parameters in a signed request object (RFC 9101)")
	}
	return nil
}

// withKey binds the code of a pushed request to the key that was proved with it (RFC 9449 §10.1),
// unless a signed request names another key.
func withKey(f Flow, jkt string) (string, error) {
	if !f.Continuation.Signed || jkt == "" {
		return f.Continuation.Request, nil
	}
	if f.Request.JKT != "" && f.Request.JKT != jkt {
		return "", refuseObject("its dpop_jkt is not the thumbprint of the key that the request proves")
	}
	query, err := url.ParseQuery(f.Continuation.Request)
	if err != nil {
		return "", asRefusal(err)
	}
	query.Set("dpop_jkt", jkt)
	return query.Encode(), nil
}
