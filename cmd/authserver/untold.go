package main

import (
	"regexp"
	"strings"
)

// withPassword are URLs of databases, and others that have a password.
var withPassword = regexp.MustCompile(`(?i)postgres(?:ql)?:/\S*|\b[a-z][a-z0-9+.-]*://[^\s/@]*:\S*@\S*`)

// untold leaves out of an error the URLs that may hold a password: what reads the command
// line quotes an argument that it does not expect, and the system the name of a file that
// is not there.
func untold(text string) string {
	return withPassword.ReplaceAllStringFunc(text, func(url string) string {
		if strings.HasPrefix(url, "postgres://USER:PASSWORD@HOST") || strings.TrimRight(url, ":,") == "postgres://" {
			return url // how to write one
		}
		return "[a URL that may hold a password]"
	})
}
