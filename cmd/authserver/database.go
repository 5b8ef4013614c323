package main

import (
	"authserver/internal/admin"
	"authserver/internal/config"
	"authserver/internal/server"
)

// Database is embedded by commands that work on the database that the settings
// name, while servers run on it.
type Database struct {
	config.Server
}

// complete reads and checks the settings.
func (d Database) complete(mode config.Mode) (config.Server, error) {
	if err := config.Complete(&d.Server, mode, readText); err != nil {
		return d.Server, &usageError{err}
	}
	return d.Server, nil
}

// open returns what an administrator may do, and a function that ends it.
func (d Database) open(p *process) (*admin.Admin, func(), error) {
	s, err := d.complete(config.Command)
	if err != nil {
		return nil, nil, err
	}
	if err := server.FindDatabase(s); err != nil {
		return nil, nil, err
	}
	if _, err := s.ParsedMasterKey(); err != nil && s.MasterKeyURL == "" {
		return nil, nil, &usageError{err}
	}
	return server.OpenAdmin(p.ctx, s)
}

// read runs do, which changes nothing and opens no key, on the database: it needs no
// master key.
func (d Database) read(p *process, do func(a *admin.Admin) error) error {
	d.MasterKey, d.MasterKeyFile, d.MasterKeyURL = config.Secret{}, "", ""
	d.PKCS11Module, d.PKCS11Token, d.PKCS11PINFile = "", "", ""
	s, err := d.complete(config.Command)
	if err != nil {
		return err
	}
	if err := server.FindDatabase(s); err != nil {
		return err
	}
	a, closeAdmin, err := server.OpenReader(p.ctx, s)
	if err != nil {
		return err
	}
	defer closeAdmin()
	return do(a)
}

// with runs do on the database.
func (d Database) with(p *process, do func(a *admin.Admin) error) error {
	a, closeAdmin, err := d.open(p)
	if err != nil {
		return err
	}
	defer closeAdmin()
	return do(a)
}

// Listing is embedded by commands that list what there may be many of.
type Listing struct {
	Search string `help:"Only those with this text in their identifier, name or address."`
	Limit  int    `help:"At most this many."`
	After  string `placeholder:"IDENTIFIER" help:"Only those after this one, in the order of the list."`
}

// rows lists what is asked for, a page at a time. key is what a row is sorted by.
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
