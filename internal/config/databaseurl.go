package config

import (
	"errors"
	"net/url"
	"regexp"
	"strconv"
	"strings"
)

// How the special characters of a password are written in a URL. The message never shows
// a piece of the URL: what looks like a host in a URL that was not escaped is a piece of
// the password.
const escapeThem = "in a user name or password write @ as %40, / as %2F, # as %23, ? as %3F and % as %25"

// checkURL refuses a URL with two readings. libpq and the parsers of RFC 3986 differ on the end of
// a password, so an unescaped password could be sent to a host that is a piece of it. The driver
// checks the parameters.
func (d *Database) checkURL(mode Mode) error {
	text := d.DatabaseURL.Reveal()
	if text == "" {
		if mode != Serve || d.DatabaseURLFile != "" {
			return nil // a file that could not be read is a fault already
		}
		return errors.New("database-url is missing: set --database-url, AUTHSERVER_DATABASE_URL or --database-url-file to sqlite:PATH or postgres://USER:PASSWORD@HOST/NAME")
	}
	scheme, rest, _ := strings.Cut(text, ":")
	switch {
	case strings.ContainsFunc(text, func(r rune) bool { return r < ' ' || r == 0x7f }):
		return errors.New("database-url contains a control character, such as a line break: remove it")
	case scheme == "sqlite" && rest == "":
		return errors.New("database-url names no file: write sqlite:PATH, such as sqlite:/var/lib/authserver/authserver.db")
	case scheme == "sqlite":
		return nil
	case scheme != "postgres" && scheme != "postgresql":
		return errors.New("database-url begins with neither sqlite: nor postgres://: write sqlite:PATH or postgres://USER:PASSWORD@HOST/NAME")
	case len(rest) < len("//x") || !strings.HasPrefix(rest, "//"):
		return errors.New("database-url names no server: write postgres://USER:PASSWORD@HOST/NAME")
	}
	return checkPostgresURL(rest[len("//"):])
}

// checkPostgresURL checks the part after postgres://.
func checkPostgresURL(rest string) error {
	malformed := func(what string) error { return errors.New("database-url is malformed: " + what) }
	decoded, err := url.PathUnescape(rest)
	switch {
	case strings.Contains(rest, " "):
		return malformed("it contains a space, which is written as %20")
	case err != nil:
		return malformed("a % begins no percent escape: " + escapeThem)
	case strings.ContainsRune(decoded, 0):
		return malformed("it contains the escape %00, which no database takes")
	case strings.Contains(rest, "#"):
		return malformed("it contains a #: " + escapeThem)
	case strings.Count(rest, "@") > 1:
		return malformed("it contains more than one @: " + escapeThem)
	}
	head, query, _ := strings.Cut(rest, "?")
	authority, _, _ := strings.Cut(head, "/")
	if strings.Contains(rest, "@") && !strings.Contains(authority, "@") {
		return malformed("a / or ? comes before the @: " + escapeThem)
	}
	_, hosts, found := strings.Cut(authority, "@")
	if !found {
		hosts = authority
	}
	for host := range strings.SplitSeq(hosts, ",") {
		if !isHost(host) {
			return malformed("a host or a port is none: write HOST:PORT, and an address of IPv6 in brackets; " + escapeThem)
		}
	}
	for parameter := range strings.SplitSeq(query, "&") {
		if query != "" && !parameterForm.MatchString(parameter) {
			return malformed("the part after the ? is not NAME=VALUE&NAME=VALUE: " + escapeThem)
		}
	}
	return nil
}

var (
	hostForm      = regexp.MustCompile(`^(?:\[[0-9A-Fa-f:.]+(?:%25[0-9A-Za-z._~-]+)?\]|[0-9A-Za-z._~%-]*)(?::([0-9]*))?$`)
	parameterForm = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_.]*=[^=]*$`)
)

// isHost accepts HOST:PORT, each part optional, and the folder of a socket with escaped slashes.
func isHost(text string) bool {
	parts := hostForm.FindStringSubmatch(text)
	if parts == nil {
		return false
	}
	port, err := strconv.ParseUint(parts[1], 10, 16)
	return parts[1] == "" || err == nil && port > 0
}
