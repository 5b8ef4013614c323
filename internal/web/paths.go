package web

import (
	"net/url"
	"slices"
	"strings"
)

// IssuerBase is the beginning of the published URL of every endpoint.
func IssuerBase(issuer string) string { return strings.TrimSuffix(issuer, "/") }

// IssuerPath is the path of an issuer such as https://example.com/auth, and "" of one
// without.
func IssuerPath(issuer string) string {
	u, err := url.Parse(IssuerBase(issuer))
	if err != nil {
		return ""
	}
	return u.Path
}

// servedAt are the paths of an endpoint. If the issuer has a path, the published URL has it too,
// and a proxy may pass it on or remove it. The metadata then has two URLs: RFC 8414 §3.1 has the
// well-known segment before the path of the issuer, without a slash at its end, and many clients
// append it as OpenID Connect Discovery §4 does.
func servedAt(issuer string, row Route) []string {
	path := row.Path
	paths, prefix := []string{path}, IssuerPath(issuer)
	if prefix == "" {
		return paths
	}
	paths = append(paths, prefix+path)
	if row.Described {
		paths = append(paths, path+prefix, path+prefix+"/")
	}
	return paths
}

// publishedAs are the URLs of an endpoint that a client may have called when a request arrives at a
// path where it is served, whether or not a proxy removed a part of the path. The header Host is
// not used.
func publishedAs(issuer, served string, table []Route) []string {
	var urls []string
	for _, row := range table {
		if slices.Contains(servedAt(issuer, row), served) {
			urls = append(urls, IssuerBase(issuer)+row.Path)
		}
	}
	return urls
}
