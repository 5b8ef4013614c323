package authorize

import (
	"slices"
	"strconv"
	"strings"
)

// registered returns the redirect URI of a request where it is one that the client is
// registered for. They are compared byte by byte (RFC 9700 §2.1), but for the port of a
// loopback address: a native app listens on whatever port is free (RFC 8252 §7.3).
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

// cutLoopback divides a URI such as http://127.0.0.1:8090/callback into what is before and
// what is behind its port. Of what follows the host nothing is interpreted: it has to be the
// same.
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
