package migrations

import (
	"fmt"
	"io/fs"
	"regexp"
	"slices"
)

// Tables returns the tables after the last step. It reads them from the statements: each statement
// that creates, renames or drops a table begins a line.
func Tables(steps fs.FS) ([]string, error) {
	names, err := fs.Glob(steps, "*.up.sql") // in the order of the versions
	if err != nil {
		return nil, fmt.Errorf("find the migrations: %w", err)
	}
	statement := regexp.MustCompile(`(?m)^(?:CREATE TABLE (\w+)|DROP TABLE (\w+)|ALTER TABLE (\w+) RENAME TO (\w+))`)
	var tables []string
	for _, name := range names {
		text, err := fs.ReadFile(steps, name)
		if err != nil {
			return nil, fmt.Errorf("read a migration: %w", err)
		}
		for _, found := range statement.FindAllStringSubmatch(string(text), -1) {
			made, dropped, before, after := found[1], found[2], found[3], found[4]
			tables = slices.DeleteFunc(tables, func(t string) bool { return t == dropped || t == before })
			if name := made + after; name != "" {
				tables = append(tables, name)
			}
		}
	}
	slices.Sort(tables)
	return tables, nil
}
