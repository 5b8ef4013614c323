package admin

import (
	"net"
	"net/url"
	"slices"
	"strings"
)

const (
	maxURI  = 2048     // bytes of a redirect URI
	maxLogo = 16 << 10 // bytes of a picture in a data: URI
)

// setRedirectURIs sets redirect URIs, each once.
func (f *form) setRedirectURIs(field Field, to *[]string, uris []string) {
	if uris == nil || !f.checkCount(field, len(distinct(uris))) {
		return
	}
	before := len(f.faults)
	for n, uri := range uris {
		f.checkRedirectURI(field.at(n), uri)
	}
	switch {
	case len(f.faults) > before:
	case len(uris) == 0:
		*to = nil
	default:
		*to = distinct(uris)
	}
}

// checkRedirectURI refuses an unsafe redirect URI (RFC 6749 §3.1.2, RFC 9700 §4.1.3, RFC 8252 §7).
func (f *form) checkRedirectURI(field Field, uri string) {
	refuse := func(format string, args ...any) {
		f.fault(field, CodeInvalid, "%q "+format, append([]any{uri}, args...)...)
	}
	u, ok := f.checkURI(field, uri)
	if !ok {
		return
	}
	switch private := strings.Contains(u.Scheme, "."); {
	case u.Scheme == "https", u.Scheme == "http" && onThisMachine(u.Hostname()):
	case u.Scheme == "http": // RFC 9700 §2.1
		refuse("is http, which anyone on the network can read: use https; http is for this machine alone, as http://127.0.0.1")
	case !private:
		refuse("has a scheme that any app can claim: a private-use scheme begins with the reverse of a domain name of yours, as com.example.app:/callback, and has a dot (RFC 8252 section 7.1)")
	}
	for _, name := range answerParameters() {
		if u.Query().Has(name) {
			refuse("has the parameter %s in its query, which is one of the answer too: rename it", name)
		}
	}
}

// checkURI refuses a text that is not an absolute URI without a fragment, or has two readings:
// servers and browsers must agree on its meaning.
func (f *form) checkURI(field Field, uri string) (*url.URL, bool) {
	refuse := func(format string, args ...any) (*url.URL, bool) {
		f.fault(field, CodeInvalid, "%q "+format, append([]any{uri}, args...)...)
		return nil, false
	}
	if len(uri) > maxURI {
		f.fault(field, CodeTooLong, "it is longer than %d bytes", maxURI)
		return nil, false
	}
	u, err := url.Parse(uri)
	switch {
	case uri == "":
		f.fault(field, CodeInvalid, "a value is empty")
		return nil, false
	case strings.ContainsAny(uri, " \\<>\"^`{|}") || strings.ContainsFunc(uri, func(r rune) bool { return r <= ' ' || r > '~' }):
		return refuse("has characters that a URI cannot have: percent-encode them, and write a host with other letters in its xn-- form")
	case strings.Contains(uri, "*"):
		return refuse("has a wildcard: URIs are compared exactly, so register each one")
	case strings.Contains(uri, "#"):
		return refuse("has a fragment: leave out the # and what follows it (RFC 6749 section 3.1.2)")
	case err != nil:
		return refuse("is not a URI: write the whole of it, as https://app.example.com/callback")
	case u.Scheme == "":
		return refuse("is relative: write the whole URI, as https://app.example.com/callback")
	case u.Opaque != "":
		return refuse("has no slash after its scheme: write it as %s:/callback", u.Scheme)
	case (u.Scheme == "https" || u.Scheme == "http") && u.Hostname() == "":
		return refuse("has no host: write the whole URI, as https://app.example.com/callback")
	case u.User != nil:
		return refuse("has a user name before its host: leave out the @ and what precedes it")
	case slices.ContainsFunc(strings.Split(u.Path, "/"), func(segment string) bool { return segment == "." || segment == ".." }):
		return refuse("has a dot segment in its path, which a browser takes away: write the path without it")
	}
	return u, true
}

// onThisMachine reports whether a host is this machine (RFC 8252 §7.3 and §8.3).
func onThisMachine(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

// answerParameters are the parameters of an authorization response.
func answerParameters() []string {
	return []string{"code", "state", "iss", "error", "error_description", "error_uri", "access_token", "token_type", "expires_in", "scope", "id_token", "session_state", "response"}
}

// setLink sets a URL that a browser opens, or this server calls: https, or http on this machine. ""
// is none.
func (f *form) setLink(field Field, to, link *string) {
	switch {
	case link == nil:
	case *link == "":
		*to = ""
	case f.checkLink(field, *link):
		*to = *link
	}
}

func (f *form) checkLink(field Field, link string) bool {
	u, ok := f.checkURI(field, link)
	if ok && u.Scheme != "https" && (u.Scheme != "http" || !onThisMachine(u.Hostname())) {
		f.fault(field, CodeInvalid, "%q is not https, and http is for this machine alone", link)
		return false
	}
	return ok
}

// setLogo sets the logo of a client, a link or a data: URI.
func (f *form) setLogo(to, logo *string) {
	const field Field = "logo_uri"
	if logo == nil || !strings.HasPrefix(*logo, "data:") {
		f.setLink(field, to, logo)
		return
	}
	kind, _, encoded := strings.Cut(strings.TrimPrefix(*logo, "data:"), ";base64,")
	switch {
	case len(*logo) > maxLogo:
		f.fault(field, CodeTooLong, "it is longer than %d bytes: give a smaller picture, or the URL of it", maxLogo)
	case !encoded || !slices.Contains([]string{"image/png", "image/jpeg", "image/gif", "image/webp", "image/svg+xml"}, kind):
		f.fault(field, CodeInvalid, "a data: URI of a logo is a picture in base64, as data:image/png;base64,…: png, jpeg, gif, webp or svg+xml")
	default:
		*to = *logo
	}
}

// sameOrigin reports whether a URL has the scheme, host and port of one of the others.
func sameOrigin(link string, others []string) bool {
	return slices.ContainsFunc(others, func(other string) bool { return origin(other) == origin(link) })
}

func origin(link string) string {
	u, err := url.Parse(link)
	if err != nil {
		return link
	}
	port := u.Port()
	if port == "" {
		port = map[string]string{"https": "443", "http": "80"}[u.Scheme]
	}
	return u.Scheme + "://" + strings.ToLower(u.Hostname()) + ":" + port
}
