package config

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"strings"
)

// Identity is the issuer of the server and its address. A dev server derives the issuer from the
// address.
type Identity struct {
	Listen string `name:"listen" setting:"flag env file" group:"Server" default:"127.0.0.1:8080" help:"Address of the public endpoints."`
	Issuer string `name:"issuer" setting:"flag env file" group:"Server" placeholder:"URL" help:"URL that clients use for this server, and the claim iss of its tokens: https, without query and fragment. In dev it follows from listen."`
}

func (i *Identity) complete(c *completion) []error {
	if c.onDev && i.Issuer == "" {
		i.Issuer = DevIssuer(i.Listen)
	}
	return present(checkIssuer(i.Issuer, c.mode), checkAddress("listen", i.Listen))
}

// DevIssuer returns the issuer of a server that listens on an address and was not
// given one: http://127.0.0.1:8080 for 127.0.0.1:8080, and http://localhost:8080
// for :8080. It is "" for an address that is malformed or leaves the port open.
func DevIssuer(listen string) string {
	host, port, err := net.SplitHostPort(listen)
	if err != nil || port == "0" {
		return ""
	}
	if ip, err := netip.ParseAddr(host); host == "" || err == nil && ip.IsUnspecified() {
		host = "localhost"
	}
	return "http://" + net.JoinHostPort(host, port)
}

// checkIssuer checks the issuer by RFC 8414 §2: it MUST be an https URL without query and fragment.
// Plain http is allowed only on this machine, and for dev.
func checkIssuer(issuer string, mode Mode) error {
	if issuer == "" && mode == Serve {
		return errors.New("issuer is missing: set --issuer or AUTHSERVER_ISSUER to the https URL by which clients know this server, such as https://auth.example.com")
	}
	if issuer == "" {
		return nil
	}
	u, err := url.Parse(issuer)
	switch {
	case err != nil || u.Host == "" || u.Hostname() == "" || u.Opaque != "":
		// The error would repeat a password in it.
		return errors.New("issuer is not an absolute URL, such as https://auth.example.com")
	case u.Scheme != "https" && u.Scheme != "http":
		return fmt.Errorf("issuer begins with %s: it must begin with https", u.Scheme)
	case u.User != nil:
		return errors.New("issuer contains a user name or password: remove it")
	case u.RawQuery != "" || u.ForceQuery:
		return errors.New("issuer has a query (RFC 8414 section 2): remove ? and what follows")
	case strings.Contains(issuer, "#"):
		return errors.New("issuer has a fragment (RFC 8414 section 2): remove # and what follows")
	case u.Scheme == "http" && mode == Serve && !loopback(u.Hostname()):
		return fmt.Errorf("issuer %s is plain http: use https, for http is allowed for localhost and in dev only", issuer)
	}
	return checkIssuerPath(u)
}

// checkIssuerPath demands a path with only one spelling: the endpoints are served below it, and
// clients, proxies and this server compare it.
func checkIssuerPath(u *url.URL) error {
	path := strings.TrimSuffix(u.EscapedPath(), "/")
	if path == "" {
		return nil
	}
	plain := func(c rune) bool {
		return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || strings.ContainsRune("-._~@:+", c)
	}
	for segment := range strings.SplitSeq(strings.TrimPrefix(path, "/"), "/") {
		if segment == "" || segment == "." || segment == ".." || strings.ContainsFunc(segment, func(c rune) bool { return !plain(c) }) {
			return errors.New("issuer has a path that can be spelled in several ways: write segments of letters, digits and -._~@:+ with one slash between them, such as https://example.com/auth")
		}
	}
	return nil
}

func loopback(host string) bool {
	if host == "localhost" || strings.HasSuffix(host, ".localhost") {
		return true
	}
	ip, err := netip.ParseAddr(host)
	return err == nil && ip.IsLoopback()
}
