package pages

import (
	"html/template"
	"net/url"
	"slices"
	"strings"
)

// Policy is what the browser may do on this page, beyond what every page allows.
type Policy struct {
	FormAction []string // sources of form-action in addition to 'self' (Content Security Policy Level 3 §2.3.1)
	Images     []string // the same for img-src
	Frames     []string // sources of frame-src
	// Script is the hash of the page's one script as a source; "": it has none.
	Script string
	// Popup lets the page keep its opener: an app may open a sign-in in a popup, which then reports
	// to the app.
	Popup bool
	// Refresh is the URI to which the browser goes by itself a few seconds later; "": it stays.
	Refresh string
}

// policy is the policy of a page during a request of an app.
func (c Client) policy(leadsTo string) Policy {
	return Policy{FormAction: onward(leadsTo), Images: sources(c.Logo()), Popup: true}
}

// Logo is the URI of the logo if a page may load it: https, or data of an image.
func (c Client) Logo() string {
	kind, _, isData := strings.Cut(c.LogoURI, ";base64,")
	if isData && slices.Contains([]string{"data:image/png", "data:image/jpeg", "data:image/gif", "data:image/webp", "data:image/svg+xml"}, kind) {
		return c.LogoURI
	}
	return c.Link(c.LogoURI)
}

// Link is the URI if it is https, else "".
func (Client) Link(address string) string {
	if u, err := url.Parse(address); err != nil || u.Scheme != "https" || u.Host == "" {
		return ""
	}
	return address
}

// Image is the logo as the attribute src of an image takes it.
func (c Client) Image() template.URL {
	return template.URL(c.Logo()) //nolint:gosec // Logo lets images and https through alone
}

// target marks a URI of an app as safe for a link or a form, because html/template does not know
// the schemes of native apps. "": it is not safe.
func target(address string) template.URL {
	if u, err := url.Parse(address); err != nil || !leads(u) {
		return ""
	}
	return template.URL(address) //nolint:gosec // its scheme runs nothing
}

// leads reports whether a URI is one of an app: by http or https, or by a private-use scheme, which
// has a dot (RFC 8252 §7.1).
func leads(u *url.URL) bool {
	if u.Scheme == "http" || u.Scheme == "https" {
		return u.Host != ""
	}
	return strings.Contains(u.Scheme, ".")
}

// onward are the sources to which an app may redirect the browser after a form. Chromium checks
// each redirect, including those of the app: without these sources, an app whose callback redirects
// to another of its hosts would leave the person at a page that does nothing. So an app on https
// may redirect to https, and one on a loopback address to loopback addresses.
func onward(address string) []string {
	found := sources(address)
	u, err := url.Parse(address)
	switch {
	case err != nil || len(found) == 0:
	case u.Scheme == "https":
		found = append(found, "https:")
	case slices.Contains([]string{"localhost", "127.0.0.1", "::1"}, u.Hostname()):
		found = append(found, "http://localhost:*", "http://127.0.0.1:*")
	}
	return found
}

// sources are the source expressions of CSP for URIs: an origin for http and https, a scheme for
// the private-use schemes of native apps, and nothing for other URIs.
func sources(addresses ...string) []string {
	var found []string
	for _, address := range addresses {
		u, err := url.Parse(address)
		if err != nil || !leads(u) {
			continue
		}
		source := u.Scheme + ":"
		if u.Host != "" {
			source += "//" + u.Host
		}
		if !slices.Contains(found, source) && fitSource(source) {
			found = append(found, source)
		}
	}
	return found
}

// fitSource reports whether a source expression cannot end its directive, nor the header.
func fitSource(source string) bool {
	return !strings.ContainsFunc(source, func(c rune) bool { return c <= ' ' || c == ';' || c == ',' || c == '\'' || c == '*' || c >= 0x7f })
}
