package authorize

import (
	"net/url"
	"strings"

	"authserver/internal/oauth"
)

// MaxRequest bounds the parameters of an authorization request, in bytes: sealed, they are
// part of an address, and many proxies take no more than 8 KiB of that.
const MaxRequest = 5 << 10

// parameters are those of a request, as far as they can be read, with the first fault.
type parameters struct {
	form  oauth.Form
	fault *oauth.Error // nil: nothing
	// For a malformed request, the parameters that the error needs to reach the client: each
	// appears exactly once.
	loose url.Values
}

// readParameters reads a query, or the body of a form.
func readParameters(text string) parameters {
	if len(text) > MaxRequest {
		return parameters{fault: oauth.Fail(oauth.InvalidRequest, "authorization_too_large",
			"the authorization request is too large for an address: send it to the pushed authorization request endpoint first (RFC 9126)")}
	}
	form, err := oauth.ParseQuery(text)
	if err == nil {
		return parameters{form: form}
	}
	p := parameters{fault: asRefusal(err), loose: url.Values{}}
	for pair := range strings.SplitSeq(text, "&") {
		name, value, _ := strings.Cut(pair, "=")
		plainName, nameErr := url.QueryUnescape(name)
		plain, valueErr := url.QueryUnescape(value)
		if nameErr == nil && valueErr == nil {
			p.loose.Add(plainName, plain)
		}
	}
	return p
}

// get returns a parameter, or "" if it appears more than once.
func (p parameters) get(name string) string {
	if p.loose == nil {
		return p.form.Get(name)
	}
	if values := p.loose[name]; len(values) == 1 && len(values[0]) <= MaxRequest {
		return values[0]
	}
	return ""
}

// asRefusal returns err if it is a refusal already.
func asRefusal(err error) *oauth.Error {
	if refused, is := err.(*oauth.Error); is { //nolint:errorlint // what the room made itself is not wrapped
		return refused
	}
	return oauth.Fail(oauth.InvalidRequest, "authorization_malformed", "the authorization request is malformed").Because(err)
}
