package main

import (
	"authserver/internal/admin"
	"authserver/internal/config"
	"authserver/internal/server"
)

// Database is embedded by commands that work on the database, while servers run on it. It is
// sufficient for list, show and delete.
type Database struct {
	config.File
	config.Database
}

func (d *Database) settings() server.AdminSettings {
	return server.AdminSettings{Database: d.Database}
}

// administration has the settings that a command reads: the groups that it embeds.
type administration interface {
	// settings are the groups by name.
	settings() server.AdminSettings
}

// with runs do on the database, with the operations that the settings allow.
func with(p *process, read administration, do func(a *admin.Admin) error) error {
	if err := complete(read, config.Command); err != nil {
		return err
	}
	s := read.settings()
	if err := server.FindDatabase(s.Database); err != nil {
		return err
	}
	if s.Sealing != nil && s.Sealing.MasterKeyURL == "" {
		if _, err := s.Sealing.ParsedMasterKey(); err != nil {
			return &usageError{err}
		}
	}
	a, closeAdmin, err := server.OpenAdmin(p.ctx, s)
	if err != nil {
		return err
	}
	defer closeAdmin()
	return do(a)
}

// complete reads and checks the groups that settings points to, or that it embeds.
func complete(settings any, mode config.Mode) error {
	if err := config.Complete(settings, mode, readText); err != nil {
		return &usageError{err}
	}
	return nil
}

// Listing is embedded by commands with long lists.
type Listing struct {
	Search string `empty:"" help:"Only those with this text in their identifier, name or address."`
	Limit  int    `help:"At most this many entries."`
	After  string `empty:"" placeholder:"IDENTIFIER" help:"Only those after this one, in the order of the list."`
}

// rows reads the list a page at a time. key returns the sort key of a row.
func rows[V any](l Listing, list func(page admin.Page) ([]V, error), key func(V) string) ([]V, error) {
	if l.Limit < 0 {
		return nil, usage("--limit is %d: it must not be negative", l.Limit)
	}
	found := []V{}
	page := admin.Page{After: l.After, Search: l.Search, Limit: admin.MaxPage}
	for {
		if l.Limit > 0 {
			page.Limit = min(admin.MaxPage, l.Limit-len(found))
		}
		batch, err := list(page)
		if err != nil {
			return nil, err
		}
		found = append(found, batch...)
		if len(batch) < page.Limit || len(found) == l.Limit {
			return found, nil
		}
		page.After = key(batch[len(batch)-1])
	}
}
