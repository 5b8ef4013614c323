package authorize

import (
	"net/url"
	"slices"
	"strings"

	"authserver/internal/oauth"
)

// Mode is the way in which an answer reaches the client: the parameter "response_mode".
type Mode string

// The response modes.
const (
	ModeQuery    Mode = "query"
	ModeFragment Mode = "fragment"  // OAuth 2.0 Multiple Response Type Encoding Practices §2.1
	ModeFormPost Mode = "form_post" // OAuth 2.0 Form Post Response Mode
)

// Modes are the response modes, for the metadata (RFC 8414 §2).
func Modes() []Mode { return []Mode{ModeQuery, ModeFragment, ModeFormPost} }

// Field is a parameter of an answer.
type Field struct{ Name, Value string }

// Answer is an authorization response, and its destination.
type Answer struct {
	RedirectURI string
	Mode        Mode
	Fields      []Field
}

// SessionState reports whether the answer has the parameter session_state.
func (a Answer) SessionState() bool {
	return slices.ContainsFunc(a.Fields, func(f Field) bool { return f.Name == "session_state" })
}

// Location returns the URI to which the browser goes with an answer by query or fragment. A query
// of the redirect URI stays in it (RFC 6749 §4.1.2).
func (a Answer) Location() string {
	pairs := make([]string, 0, len(a.Fields))
	for _, f := range a.Fields {
		pairs = append(pairs, url.QueryEscape(f.Name)+"="+url.QueryEscape(f.Value))
	}
	encoded := strings.Join(pairs, "&")
	if a.Mode == ModeFragment {
		return a.RedirectURI + "#" + encoded
	}
	return oauth.AddQuery(a.RedirectURI, encoded)
}

// answer makes an answer with the state of the request and the issuer that answers
// (RFC 6749 §4.1.2, RFC 9207 §2).
func (a *Authorizer) answer(f Flow, fields ...Field) *Answer {
	if f.Request.State != "" {
		fields = append(fields, Field{"state", f.Request.State})
	}
	fields = append(fields, Field{"iss", a.Issuer})
	return &Answer{RedirectURI: f.redirectURI, Mode: f.Request.Mode, Fields: fields}
}

// refuse answers the client with an error.
func (a *Authorizer) refuse(f Flow, why *oauth.Error) *Answer {
	return a.answer(f, Field{"error", string(why.Code)}, Field{"error_description", oauth.DescriptionText(why.Description)})
}
