package main

import (
	"fmt"

	"authserver/internal/pages"
)

type themeCommand struct {
	Export themeExport `cmd:"" help:"Write the templates, languages and styles of this version to a new folder, to compare with a theme or to begin one. This needs no database." example:"authserver theme export builtin"`
	Check  themeCheck  `cmd:"" help:"Check a theme against this version, as serve does when it starts: run it with the new version before an upgrade. This needs no database." example:"authserver theme check /etc/authserver/theme"`
}

type themeExport struct {
	Folder string `arg:"" help:"Folder to write to. The command changes no existing file."`
}

func (c *themeExport) Run(p *process) error {
	written, err := pages.Export(c.Folder)
	for _, path := range written {
		if _, printing := fmt.Fprintln(p.stdout, path); printing != nil {
			return afterwards(printing)
		}
	}
	return err
}

type themeCheck struct {
	Folder string `arg:"" help:"Folder of the theme: the value of theme-dir."`
}

func (c *themeCheck) Run(p *process) error {
	if _, err := pages.Open(c.Folder, ""); err != nil {
		return err
	}
	p.report("The theme in %s fits this version.", c.Folder)
	return nil
}
