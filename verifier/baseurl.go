package verifier

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"authserver/internal/trust/dpop"
)

// baseURLs are the URLs at which clients reach this API, without a final slash; none: the API
// accepts no DPoP.
type baseURLs []string

// newBaseURLs returns the base URLs in the options, or that of the audience. It does not use the
// host in a request, because the sender chooses it: a proof for another server would be accepted
// here (RFC 9449 §4.3, item 9).
func newBaseURLs(audience string, o Options) (baseURLs, error) {
	named := o.OtherBaseURLs
	if o.BaseURL != "" {
		named = append([]string{o.BaseURL}, named...)
	}
	if o.NoDPoP {
		if len(named) > 0 {
			return nil, errors.New("NoDPoP is set beside a base URL, which is for DPoP proofs alone")
		}
		return nil, nil
	}
	if len(named) == 0 {
		origin, err := originOf(audience)
		if err != nil {
			return nil, err
		}
		return baseURLs{origin}, nil
	}
	var bases baseURLs
	for _, base := range named {
		if err := dpop.CheckURL(base); err != nil {
			return nil, fmt.Errorf("the base URL %q cannot be used: %w", base, err)
		}
		if strings.ContainsAny(base, "?#") {
			return nil, fmt.Errorf("the base URL %q has a query or a fragment", base)
		}
		bases = append(bases, strings.TrimSuffix(base, "/"))
	}
	return bases, nil
}

// originOf returns the scheme and the host of an audience that is a URL (RFC 8707 §2: the
// identifier of a resource should be the base URL of the API).
func originOf(audience string) (string, error) {
	u, err := url.Parse(audience)
	if err != nil || dpop.CheckURL(audience) != nil {
		return "", errors.New("the audience is not the URL at which clients reach this API, which DPoP proofs name: " +
			"set Options.BaseURL to that, or Options.NoDPoP to take no DPoP")
	}
	return u.Scheme + "://" + u.Host, nil
}

// called returns the URLs, one of which the client has called. The path comes from the request
// line, because routers remove prefixes from r.URL.
func (b baseURLs) called(r *http.Request) []string {
	path := r.URL.EscapedPath()
	if line, err := url.ParseRequestURI(r.RequestURI); err == nil {
		path = line.EscapedPath()
	}
	urls := make([]string, len(b))
	for i, base := range b {
		urls[i] = base + path
	}
	return urls
}
