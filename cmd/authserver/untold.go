package main

import (
	"regexp"
	"strings"
)

// withPassword are URLs of databases, and others that have a password.
var withPassword = regexp.MustCompile(`(?i)postgres(?:ql)?:/\S*|\b[a-z][a-z0-9+.-]*://[^\s/@]*:\S*@\S*`)

// untold removes URLs that may contain a password from an error: kong quotes unexpected arguments,
// and the system quotes the name of a missing file.
func untold(text string) string {
	return withPassword.ReplaceAllStringFunc(text, func(url string) string {
		if strings.HasPrefix(url, "postgres://USER:PASSWORD@HOST") || strings.TrimRight(url, ":,") == "postgres://" {
			return url // how to write one
		}
		return "[a URL that may hold a password]"
	})
}
