package pages

import (
	"html/template"
	"net/url"
	"slices"
	"strings"
)

// Policy is what the browser may do on a page beside what every page may.
type Policy struct {
	FormAction []string // sources of form-action beside 'self' (Content Security Policy Level 3 §2.3.1)
	Images     []string // the same for img-src
	Frames     []string // sources of frame-src
	// Script is the hash of the page's one script as a source; "": it has none.
	Script string
	// Popup lets the page keep the window that opened it: an app may open a sign-in in a
	// popup, which tells the app its end.
	Popup bool
	// Refresh is where the browser goes by itself a few seconds later; "": it stays.
	Refresh string
}

// policy is what a page in the way of an app may do.
func (c Client) policy(leadsTo string) Policy {
	return Policy{FormAction: onward(leadsTo), Images: sources(c.Logo()), Popup: true}
}

// Logo is the address of the logo where it is one that a page may load: https, or data of
// an image.
func (c Client) Logo() string {
	kind, _, isData := strings.Cut(c.LogoURI, ";base64,")
	if isData && slices.Contains([]string{"data:image/png", "data:image/jpeg", "data:image/gif", "data:image/webp", "data:image/svg+xml"}, kind) {
		return c.LogoURI
	}
	return c.Link(c.LogoURI)
}

// Link is the address where it is one of https, else "".
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

// target is an address of an app as a link or a form takes it: html/template knows no scheme
// of native apps. "": it is none.
func target(address string) template.URL {
	if u, err := url.Parse(address); err != nil || !leads(u) {
		return ""
	}
	return template.URL(address) //nolint:gosec // its scheme runs nothing
}

// leads reports whether an address leads to an app: by http or https, or by a private-use
// scheme, which has a dot (RFC 8252 §7.1).
func leads(u *url.URL) bool {
	if u.Scheme == "http" || u.Scheme == "https" {
		return u.Host != ""
	}
	return strings.Contains(u.Scheme, ".")
}

// onward are the sources for where an app may send the browser on after a form. Chromium holds
// each redirect to them, those of the app too: an app whose callback goes on to another of its
// hosts would leave the person at a page that does nothing. So an app on https may go on by
// https, and one that a developer runs on a loopback address may go on there.
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

// sources are the source expressions of CSP that allow the addresses: an origin for http and
// https, a scheme for the private-use schemes of native apps. What is neither gets none.
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
