package main

import (
	"authserver/internal/admin"
	"authserver/internal/config"
	"authserver/internal/server"
)

// Database is embedded by commands that work on the database that the settings
// name, while servers run on it.
type Database struct {
	config.Settings
}

// complete reads and checks the settings.
func (d Database) complete(mode config.Mode) (config.Settings, error) {
	s, err := d.Settings.Complete(mode, readText)
	if err != nil {
		return s, &usageError{err}
	}
	return s, nil
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

// with runs do on the database.
func (d Database) with(p *process, do func(a *admin.Admin) error) error {
	a, closeAdmin, err := d.open(p)
	if err != nil {
		return err
	}
	defer closeAdmin()
	return do(a)
}

// all lists what has more rows than a page holds. after names the row that a page
// ends with.
func all[V any](list func(page admin.Page) ([]V, error), after func(V) string) ([]V, error) {
	rows := []V{}
	page := admin.Page{Limit: admin.MaxPage}
	for {
		batch, err := list(page)
		if err != nil {
			return nil, err
		}
		rows = append(rows, batch...)
		if len(batch) < page.Limit {
			return rows, nil
		}
		page.After = after(batch[len(batch)-1])
	}
}
