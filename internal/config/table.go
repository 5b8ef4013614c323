package config

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
)

// Row describes one setting.
type Row struct {
	Group   string // heading
	Name    string // "database-url"
	Flag    string // "--database-url"; "": there is none
	Env     string // "AUTHSERVER_DATABASE_URL"
	File    string // "database-url", the key in the YAML file; "": there is none
	Default string // "" for none
	Help    string

	zero any // the zero value of the field, for its type
}

// Table describes all settings, in the order of [Server].
func Table() []Row { return rowsOf(reflect.TypeFor[Server]()) }

func rowsOf(settings reflect.Type) []Row {
	var rows []Row
	for i := range settings.NumField() {
		switch field := settings.Field(i); {
		case field.Anonymous:
			rows = append(rows, rowsOf(field.Type)...)
		case field.Tag.Get("setting") != "":
			rows = append(rows, rowOf(field))
		}
	}
	return rows
}

func rowOf(field reflect.StructField) Row {
	name, ways := field.Tag.Get("name"), strings.Fields(field.Tag.Get("setting"))
	row := Row{
		Group:   field.Tag.Get("group"),
		Name:    name,
		Env:     envPrefix + strings.ToUpper(strings.ReplaceAll(name, "-", "_")),
		Default: field.Tag.Get("default"),
		Help:    field.Tag.Get("help"),
		zero:    reflect.Zero(field.Type).Interface(),
	}
	if slices.Contains(ways, "flag") {
		row.Flag = "--" + name
	}
	if slices.Contains(ways, "file") {
		row.File = name
	}
	return row
}

// takesSeveral reports whether the setting is a list.
func (r Row) takesSeveral() bool {
	_, several := r.zero.([]string)
	return several
}

// Markdown renders rows as the table of docs/settings.md.
func Markdown(rows []Row) string {
	var b strings.Builder
	b.WriteString("| Flag and YAML key | Environment | Default | |\n|---|---|---|---|\n")
	for _, r := range rows {
		name := "`" + r.Flag + "`"
		switch {
		case r.Flag == "":
			name = "(environment alone)"
		case r.File == "":
			name += " (not in YAML)"
		}
		value := ""
		if r.Default != "" {
			value = "`" + r.Default + "`"
		}
		fmt.Fprintf(&b, "| %s | `%s` | %s | %s |\n", name, r.Env, value, strings.ReplaceAll(r.Help, "|", `\|`))
	}
	return b.String()
}
