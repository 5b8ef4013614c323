package server

import (
	"fmt"
	"net/url"
	"strings"

	"authserver/internal/config"
	"authserver/internal/pages"
	"authserver/internal/web"
)

// openPages reads the pages that people see, with the theme over them.
func openPages(identity config.Identity, s config.Pages) (*web.Pages, error) {
	base, err := basePath(identity)
	if err != nil {
		return nil, err
	}
	book, err := pages.Open(s.ThemeDir, base)
	if err != nil {
		return nil, fmt.Errorf("open the pages: %w", err)
	}
	return web.NewPages(book, identity.Issuer)
}

// basePath is the path of the issuer, which that of each endpoint begins with; "": the root.
func basePath(identity config.Identity) (string, error) {
	issuer, err := url.Parse(identity.Issuer)
	if err != nil {
		return "", fmt.Errorf("read the issuer: %w", err)
	}
	return strings.TrimSuffix(issuer.Path, "/"), nil
}
