package store

import (
	"context"
	"fmt"
	"net/url"
	"strings"
)

// Origin is the origin of an http or https URL as a browser writes it in the header
// Origin (RFC 6454 §6.2); "": it has none that a page can have.
func Origin(address string) string {
	u, err := url.Parse(address)
	if err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http" {
		return ""
	}
	u.Host = strings.ToLower(u.Host)
	if u.Scheme == "https" && u.Port() == "443" || u.Scheme == "http" && u.Port() == "80" {
		u.Host = u.Host[:len(u.Host)-len(u.Port())-1]
	}
	return u.Scheme + "://" + u.Host
}

// originsOf reads the origins of all redirect URIs, and whether a client with session
// management has the origin.
func originsOf(ctx context.Context, s Rows) (map[string]bool, error) {
	origins := make(map[string]bool)
	page := Page{Limit: MaxPage}
	for {
		clients, err := s.ListClients(ctx, page)
		if err != nil {
			return nil, fmt.Errorf("read the origins of redirect URIs: %w", err)
		}
		for _, c := range clients {
			page.After = c.ID
			for _, uri := range c.RedirectURIs {
				if origin := Origin(uri); origin != "" && !c.Disabled {
					origins[origin] = origins[origin] || c.SessionManagement
				}
			}
		}
		if len(clients) < page.Limit {
			return origins, nil
		}
	}
}
