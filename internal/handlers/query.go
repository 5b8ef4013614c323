package handlers

import (
	"net/url"
	"slices"
	"strings"

	"authserver/internal/oauth"
)

// checkQuery refuses parameters in the URL of a request, because URLs end up in the logs of every
// proxy on the way (RFC 6749 §2.3.1: MUST NOT be included in the request URI). It recognises every
// spelling, so that a client with a mistake does not leak its secrets for long. The server ignores
// other parameters.
func checkQuery(u *url.URL) error {
	if u.RawQuery == "" {
		return nil
	}
	query, whole := unescaped(u.RawQuery)
	if whole && !slices.ContainsFunc(strings.FieldsFunc(query, separates), isOurs) {
		return nil
	}
	return oauth.Fail(oauth.InvalidRequest, "parameters_in_url",
		"parameters belong in the body of the request, not in its URL, which ends up in logs: replace the secrets that were in it")
}

// separates reports whether some parser takes the character for the end of a parameter.
func separates(c rune) bool { return strings.ContainsRune("&;?#,|\r\n", c) }

// isOurs reports whether a parameter is one of an OAuth request, or has the name of a
// secret, with any characters around it and between its words.
func isOurs(parameter string) bool {
	name, _, _ := strings.Cut(parameter, "=")
	name = strings.Map(func(c rune) rune {
		if c >= 'a' && c <= 'z' || c >= '0' && c <= '9' {
			return c
		}
		return -1
	}, strings.ToLower(name))
	speaksOf := func(word string) bool { return strings.Contains(name, word) }
	return slices.ContainsFunc([]string{"secret", "password", "token", "assertion"}, speaksOf) ||
		slices.Contains([]string{"granttype", "clientid", "username", "scope", "resource", "audience", "dpopjkt", "code", "codeverifier", "devicecode"}, name)
}

// escapesWithin is how many times a parameter may have been escaped again.
const escapesWithin = 4

// unescaped decodes the percent escapes of a query and the escapes in the result, and leaves
// malformed ones unchanged. It returns false if there are still more escapes inside.
func unescaped(query string) (plain string, whole bool) {
	for range escapesWithin {
		decoded := unescapedOnce(query)
		if decoded == query {
			return query, true
		}
		query = decoded
	}
	return query, false
}

func unescapedOnce(s string) string {
	var out strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] == '%' && i+2 < len(s) {
			if c, err := url.PathUnescape(s[i : i+3]); err == nil {
				out.WriteString(c)
				i += 2
				continue
			}
		}
		out.WriteByte(s[i])
	}
	return out.String()
}
