package authorize

import (
	"slices"
	"strconv"
	"strings"
)

// registered returns the redirect URI of a request if it is registered for the client. URIs are
// compared byte by byte (RFC 9700 §2.1), except for the port of a loopback address: a native app
// listens on any free port (RFC 8252 §7.3).
func registered(uris []string, presented string) bool {
	return slices.ContainsFunc(uris, func(uri string) bool { return covers(uri, presented) })
}

func covers(uri, presented string) bool {
	if uri == presented {
		return true
	}
	host, rest, loopback := cutLoopback(uri)
	if !loopback {
		return false
	}
	otherHost, otherRest, loopback := cutLoopback(presented)
	return loopback && host == otherHost && rest == otherRest
}

// cutLoopback splits a URI such as http://127.0.0.1:8090/callback before and after its port. What
// follows the port is not interpreted: it has to be the same.
func cutLoopback(uri string) (host, rest string, loopback bool) {
	for _, host := range []string{"http://127.0.0.1", "http://[::1]", "http://localhost"} {
		rest, is := strings.CutPrefix(uri, host)
		if !is {
			continue
		}
		port, is := strings.CutPrefix(rest, ":")
		if !is {
			return host, rest, true
		}
		digits := len(port) - len(strings.TrimLeft(port, "0123456789"))
		if n, err := strconv.ParseUint(port[:digits], 10, 16); err != nil || n == 0 {
			return "", "", false
		}
		return host, port[digits:], true
	}
	return "", "", false
}
