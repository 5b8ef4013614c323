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
func openPages(s config.Settings) (*web.Pages, error) {
	issuer, err := url.Parse(s.Issuer)
	if err != nil {
		return nil, fmt.Errorf("read the issuer: %w", err)
	}
	book, err := pages.Open(s.ThemeDir, strings.TrimSuffix(issuer.Path, "/"))
	if err != nil {
		return nil, err
	}
	return web.NewPages(book, s.Issuer)
}
