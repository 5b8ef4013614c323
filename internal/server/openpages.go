package server

import (
	"fmt"

	"authserver/internal/config"
	"authserver/internal/pages"
	"authserver/internal/web"
)

// openPages reads the pages that people see, with the theme over them. base is the path of
// the issuer.
func openPages(s config.Settings, base string) (*web.Pages, error) {
	book, err := pages.Open(s.ThemeDir, base)
	if err != nil {
		return nil, fmt.Errorf("open the pages: %w", err)
	}
	return web.NewPages(book, s.Issuer)
}
