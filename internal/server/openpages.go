package server

import (
	"fmt"

	"authserver/internal/config"
	"authserver/internal/pages"
	"authserver/internal/web"
)

// openPages reads the pages, with those of the theme instead of the built-in ones.
func openPages(identity config.Identity, s config.Pages) (*web.Pages, error) {
	renderer, err := pages.Open(s.ThemeDir, web.IssuerPath(identity.Issuer))
	if err != nil {
		return nil, fmt.Errorf("open the pages: %w", err)
	}
	return web.NewPages(renderer, identity.Issuer)
}
